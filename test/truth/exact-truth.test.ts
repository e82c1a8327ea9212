/**
 * Exact against truth: the real service, fed by the generator over every protocol with every fault, must hold exactly
 * the runs, the steps and the aggregates that were sent, no more and no fewer.
 * FINISHLINE_TRUTH_RUNS sets the size (default 4,000 runs; `npm run nightly:truth` takes 20,000).
 */
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Delivery, type DeliveryOptions } from '../../bench/generator/deliver.ts';
import { protocols } from '../../bench/generator/protocol.ts';
import { runTruths } from '../../bench/generator/truth.ts';
import { workloadEndingBetween, type WorkloadOptions } from '../../bench/generator/workload.ts';
import { ServiceProcess } from '../../bench/service-process.ts';
import { verifyService } from '../../bench/verify/verify-service.ts';

const runs = Number(process.env['FINISHLINE_TRUTH_RUNS'] ?? 4000);
const limitMs = 60_000 + runs * 5;

type Shape = Omit<WorkloadOptions, 'seed' | 'spans' | 'firstEndUs' | 'runsPerSecond'>;
type Faults = Omit<DeliveryOptions, 'endpoints' | 'connections' | 'tries'>;

interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly shape: Shape;
  readonly faults: Faults;
  /** Runs end within this time before now. */
  readonly stretchMinutes: number;
}

const scenarios: readonly Scenario[] = [
  {
    name: 'everything at once: split over requests and protocols, shuffled, repeated, late, unfinished, roots without ERROR',
    seed: 101,
    shape: {
      spansPerRequest: 40,
      workflowPerMille: 500,
      failing: 0.1,
      recovering: 0,
      unfinished: 0.05,
      noRootError: true,
      shuffle: true,
    },
    // Longer than a run settles: the late spans reopen runs that were already written.
    faults: { protocols, duplicates: 0.05, late: 0.05, lateDelayMs: 5000 },
    stretchMinutes: 180,
  },
  {
    name: 'retried steps that recover, roots with ERROR, large requests in order, ended within the last minutes',
    seed: 202,
    shape: {
      spansPerRequest: 512,
      workflowPerMille: 1000,
      failing: 0.1,
      recovering: 0.15,
      unfinished: 0.02,
      noRootError: false,
      shuffle: false,
    },
    faults: { protocols: ['grpc', 'json+gzip'], duplicates: 0.1, late: 0, lateDelayMs: 0 },
    stretchMinutes: 8,
  },
];

let service: ServiceProcess;

beforeEach(async () => {
  service = await ServiceProcess.start();
});

afterEach(async () => {
  await service[Symbol.asyncDispose]();
});

describe('the answers of the service equal the truth', () => {
  test.each(scenarios)('$name', { timeout: limitMs * 2 }, async ({ name, seed, shape, faults, stretchMinutes }) => {
    const nowUs = Date.now() * 1000;
    const slotsPerRun = shape.recovering > 0 ? 6 : 5;
    const spans = (runs * slotsPerRun * 1000) / shape.workflowPerMille;
    const workload = workloadEndingBetween(nowUs - stretchMinutes * 60e6, nowUs - 5e6, { ...shape, seed, spans });
    const truth = [...runTruths(workload)];
    const delivery = new Delivery(workload, { ...faults, endpoints: service.otlp, connections: 4, tries: 20 });

    const sent = await delivery.run();
    const result = await verifyService((sql) => service.query(sql), truth, { toleranceUs: 0, limitMs });

    console.log(
      `${name}: seed ${seed}, ${sent.requests} requests (${sent.duplicates} twice, ${sent.lateRequests} late), ` +
        `${result.runs} runs and ${result.steps} steps row by row, ${result.healthRows} rows of process_health, ` +
        `worst rank error ${(result.worstRankError * 100).toFixed(4)} %, right after ${result.waitedMs} ms`,
    );
    expect(result.differences).toEqual([]);
    expect(workload.runs).toBeGreaterThanOrEqual(runs);
    expect(result.healthRows).toBe(8 * 3);
    // Every span was received, and none twice in the ledger: what was sent again was recognised.
    const metrics = await service.metrics();
    expect(sumOf(metrics, 'otelcol_receiver_accepted_spans')).toBeGreaterThan(sent.spans);
    expect(sumOf(metrics, 'otelcol_receiver_refused_spans')).toBe(0);
    expect(await service.stop()).toBe(0);
  });
});

test('a comparison that can fail: one run too many, one figure wrong', async () => {
  const nowUs = Date.now() * 1000;
  const options = { seed: 7, spans: 320 * 5, spansPerRequest: 64, workflowPerMille: 1000, failing: 0.1 };
  const shape = { recovering: 0, unfinished: 0, noRootError: false, shuffle: false };
  const workload = workloadEndingBetween(nowUs - 60e6, nowUs - 5e6, { ...options, ...shape });
  const [first, second, ...rest] = [...runTruths(workload)];
  const faults = { duplicates: 0, late: 0, lateDelayMs: 0, protocols: ['http'] as const };
  await new Delivery(workload, { ...faults, endpoints: service.otlp, connections: 2, tries: 20 }).run();
  const query = <T>(sql: string) => service.query<T>(sql);
  expect(
    (await verifyService(query, [first!, second!, ...rest], { toleranceUs: 0, limitMs: 60_000 })).differences,
  ).toEqual([]);

  const forged = [{ ...first!, endUs: first!.endUs + 1 }, ...rest];
  const { differences } = await verifyService(query, forged, { toleranceUs: 0, limitMs: 0 });
  const key = (run: typeof first) => `production/${run!.process}/${run!.runId}`;
  expect(differences).toContainEqual(expect.stringContaining(`run ${key(first)}: duration_ms is`));
  expect(differences).toContain(`run ${key(second)} was never sent`);
  expect(differences).toContainEqual(
    expect.stringContaining(`process_health production/${second!.process} 1h: runs is`),
  );
});

function sumOf(metrics: string, name: string): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
