/**
 * `finishline demo`: sends the traffic of five processes, asks the SQL door, and compares the answer with what it sent.
 * Owns the order of things and what is printed. Exit code 0 = every figure equal, 1 = a difference, named.
 */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { formatListenAddress } from '../../config/endpoint.ts';
import type { ServiceConfig } from '../../config/service-config.ts';
import { configFrom, readArguments } from '../arguments.ts';
import { expectedProcesses } from './demo-expectation.ts';
import { demoRuns } from './demo-plan.ts';
import { type DemoDoors, demoService } from './demo-service.ts';
import { tableText } from './demo-table.ts';
import { type AnswerRow, healthDifferences, healthQuery, inFlightDifferences, inFlightQuery } from './demo-verdict.ts';
import { neverEndingRunId, sendDemoRuns } from './send-demo-runs.ts';

/** Settling takes 2 s, a run shows as in flight after 10 s; the rest is patience with a slow machine. */
const answerLimitMs = 60_000;

/** @param args `--config FILE` and `--set key=value`, as for `serve` */
export async function runDemo(args: readonly string[]): Promise<number> {
  const config = configFrom(readArguments(args), process.env);
  await using service = await demoService(configuredDoors(config), args);
  const { otlpUrl, sqlUrl } = service.doors;
  say(service.startedHere ? 'No service was running; started one for the demo.\n' : 'Using the running service.\n');

  const environment = `demo-${randomBytes(4).toString('hex')}`;
  const runs = demoRuns();
  const expected = expectedProcesses(runs);
  await sendDemoRuns(runs, { otlpUrl, environment, nowMs: Date.now() });
  say(`Sent ${runs.length} runs of ${expected.length} processes to ${otlpUrl} as environment '${environment}'.\n\n`);

  const health = await askUntil(sqlUrl, healthQuery(environment), (rows) => healthDifferences(rows, expected));
  show(sqlUrl, healthQuery(environment), health.rows);
  const stuck = runs.at(-1)!;
  const inFlight = await askUntil(sqlUrl, inFlightQuery(environment), (rows) =>
    inFlightDifferences(rows, stuck.process, neverEndingRunId(environment)),
  );
  show(sqlUrl, inFlightQuery(environment), inFlight.rows);

  const differences = [...health.differences, ...inFlight.differences];
  for (const difference of differences) say(`DIFFERENT  ${difference}\n`);
  const figures = expected.length * 9 + 3;
  say(
    differences.length === 0
      ? `EQUAL      all ${figures} figures are what was sent.\n`
      : `${differences.length} of ${figures} figures differ from what was sent.\n`,
  );
  return differences.length === 0 ? 0 : 1;
}

function configuredDoors(config: ServiceConfig): Partial<DemoDoors> {
  const otlp = config.receiver.http?.endpoint;
  return {
    ...(otlp !== undefined && !otlp.endsWith(':0') && { otlpUrl: `http://${otlp}` }),
    ...(config.sql.url !== undefined && { sqlUrl: config.sql.url }),
    ...(config.admin.port !== 0 && { adminUrl: `http://${formatListenAddress(config.admin)}` }),
  };
}

interface Answer {
  readonly rows: readonly AnswerRow[];
  readonly differences: readonly string[];
}

/** Asks again until the answer is right or the time is over: what is wrong at first may only be late. */
async function askUntil(sqlUrl: string, query: string, compare: (rows: AnswerRow[]) => string[]): Promise<Answer> {
  const deadline = Date.now() + answerLimitMs;
  for (;;) {
    const rows = await ask(sqlUrl, query);
    const differences = compare(rows);
    if (differences.length === 0 || Date.now() > deadline) return { rows, differences };
    await pause(250);
  }
}

async function ask(sqlUrl: string, query: string): Promise<AnswerRow[]> {
  const response = await fetch(`${sqlUrl}/?default_format=JSON`, { method: 'POST', body: query });
  const text = await response.text();
  if (!response.ok) throw new Error(`${sqlUrl} refused the query: ${text.trim()}`);
  const answer: { data: AnswerRow[] } = JSON.parse(text);
  return answer.data;
}

function say(text: string): void {
  process.stdout.write(text);
}

function show(sqlUrl: string, query: string, rows: readonly AnswerRow[]): void {
  say(`$ curl ${sqlUrl} -d "${query}"\n${tableText(rows)}\n`);
}
