/**
 * `npm run bench:latency`: from the end of a run's root span to the moment it can be queried, in the ledger and in
 * `process_health`, at a steady rate (10,000 workflow spans a second for 30 s by default; --rate --seconds).
 * Runs end one after the other, so the k-th is visible when a count first exceeds k. Polled every 50 ms: figures are
 * up to a poll too long. Prints p50, p99 and the greatest; the settle time (2 s) is part of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HttpConnection } from './generator/http-connection.ts';
import { Templates } from './generator/templates.ts';
import { Workload } from './generator/workload.ts';
import { ServiceProcess } from './service-process.ts';

const { values: given } = parseArgs({
  options: { rate: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '30' } },
});
const SPANS_PER_REQUEST = 64;
const SPANS_PER_RUN = 5;
const POLL_MS = 50;
const LIMIT_MS = 60_000;

interface Reading {
  readonly atMs: number;
  readonly count: number;
}

const rate = Number(given.rate);
await using service = await ServiceProcess.start();
const workload = new Workload({
  seed: 9,
  spans: rate * Number(given.seconds),
  spansPerRequest: SPANS_PER_REQUEST,
  workflowPerMille: 1000,
  failing: 0,
  recovering: 0,
  unfinished: 0,
  noRootError: false,
  shuffle: false,
  firstEndUs: (Date.now() + 500) * 1000,
  runsPerSecond: rate / SPANS_PER_RUN,
});
const ledger = poll('SELECT count() AS runs FROM runs');
const health = poll("SELECT sum(runs) AS runs FROM process_health WHERE window = '1h'");
await send();
report('runs', await ledger);
report('process_health', await health);

/** Every request leaves when the last run in it has ended. */
async function send(): Promise<void> {
  using connection = new HttpConnection(service.otlp.http);
  const templates = new Templates(workload, 'protobuf');
  const room = Buffer.alloc(templates.maxBytes());
  for (let request = 0; request < workload.requests; request++) {
    const runsEnded = Math.min(workload.runs, Math.ceil(((request + 1) * SPANS_PER_REQUEST) / SPANS_PER_RUN));
    const dueMs = workload.runTimes(runsEnded - 1).endUs / 1000;
    await pause(Math.max(0, dueMs - Date.now()));
    await connection.send('http', room.subarray(0, templates.write(request, room)));
  }
}

async function poll(sql: string): Promise<Reading[]> {
  const readings: Reading[] = [];
  const deadline = Date.now() + LIMIT_MS + Number(given.seconds) * 1000;
  while (Date.now() < deadline) {
    const [row] = await service.query<{ runs: number }>(sql);
    readings.push({ atMs: Date.now(), count: row!.runs });
    if (row!.runs >= workload.runs) return readings;
    await pause(POLL_MS);
  }
  throw new Error(`after ${LIMIT_MS / 1000} s only ${readings.at(-1)?.count} of ${workload.runs} runs: ${sql}`);
}

function report(what: string, readings: readonly Reading[]): void {
  const latencies: number[] = [];
  let reading = 0;
  for (let run = 0; run < workload.runs; run++) {
    while (readings[reading]!.count <= run) reading++;
    latencies.push(readings[reading]!.atMs - workload.runTimes(run).endUs / 1000);
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => `${Math.round(latencies[Math.ceil(latencies.length * share) - 1]!)} ms`;
  console.log(
    `${what}: ${workload.runs} runs, end of run to queryable p50 ${at(0.5)}, p99 ${at(0.99)}, greatest ${at(1)}`,
  );
}
