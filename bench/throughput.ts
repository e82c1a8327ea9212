/**
 * `npm run bench`: spans per CPU-second of the whole service, by protocol and share of workflow spans.
 * Each line: a fresh service over an empty directory, warmed up, fed, left alone until everything is in ClickHouse;
 * CPU of every process and thread that it started but the engine's, which is printed beside it; then the SQL answers
 * (totals of runs and steps, process_health, failing_steps) against the truth. Exit code 1 when they differ.
 * Options: --spans N --warmup N --batch N --connections N --protocols a,b --shares 100,1000 (per mille) --repeat N --profile
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { profileSummary, profileText } from './cpu-profile.ts';
import { Delivery, type DeliveryResult } from './generator/deliver.ts';
import { type Protocol, protocols } from './generator/protocol.ts';
import { type RunTruth, runTruths } from './generator/truth.ts';
import { workloadEndingBetween } from './generator/workload.ts';
import { PeakMemory, type Usage, usageOf } from './process-usage.ts';
import { ServiceProcess } from './service-process.ts';
import { compareHealth, failingStepDifferences } from './verify/compare-health.ts';
import { totalDifferences } from './verify/compare-totals.ts';

const { values: given } = parseArgs({
  options: {
    spans: { type: 'string', default: '2000000' },
    warmup: { type: 'string', default: '2000000' },
    batch: { type: 'string', default: '512' },
    connections: { type: 'string', default: '4' },
    protocols: { type: 'string', default: 'grpc,http,grpc+gzip,http+gzip,json' },
    shares: { type: 'string', default: '100,1000' },
    repeat: { type: 'string', default: '1' },
    profile: { type: 'boolean', default: false },
  },
});
const flushLimitMs = 120_000;
process.exitCode = await bench();

interface Measurement {
  readonly protocol: Protocol;
  readonly perMille: number;
  readonly delivery: DeliveryResult;
  readonly service: number;
  readonly engine: number;
  readonly peakBytes: number;
  readonly differences: readonly string[];
}

async function bench(): Promise<number> {
  const chosen = given.protocols.split(',').map(protocolNamed);
  const shares = given.shares.split(',').map(Number);
  let wrong = 0;
  console.log(
    'protocol    workflow  spans/CPU-s  service CPU  engine CPU   spans/s wall  B/span  peak RSS  SQL against truth',
  );
  for (const perMille of shares) {
    for (const protocol of Array.from({ length: Number(given.repeat) }, () => chosen).flat()) {
      const measurement = await measure(protocol, perMille);
      console.log(line(measurement));
      for (const difference of measurement.differences.slice(0, 10)) console.log(`  DIFFERENT  ${difference}`);
      wrong += measurement.differences.length;
    }
  }
  return wrong === 0 ? 0 : 1;
}

async function measure(protocol: Protocol, perMille: number): Promise<Measurement> {
  const profileDirectory = given.profile ? await mkdtemp(join(tmpdir(), 'finishline-profile-')) : undefined;
  const profiling = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const service = await ServiceProcess.start({ nodeFlags: profiling });
  try {
    const truth: RunTruth[] = [];
    const warmup = Number(given.warmup);
    if (warmup > 0) {
      await send(service, protocol, perMille, warmup, 1001, truth);
      await flushed(service, truth);
    }
    const delivery = prepared(service, protocol, perMille, Number(given.spans), 1, truth);
    using memory = new PeakMemory(service.pid);
    const before = usageOf(service.pid);
    const result = await delivery.run();
    const differences = await flushed(service, truth);
    const used = difference(usageOf(service.pid), before);
    return { protocol, perMille, delivery: result, ...used, peakBytes: memory.serviceBytes, differences };
  } finally {
    await service[Symbol.asyncDispose]();
    if (profileDirectory !== undefined) {
      console.log(profileText(profileSummary(profileDirectory), 30));
      await rm(profileDirectory, { recursive: true, force: true });
    }
  }
}

async function send(service: ServiceProcess, ...[protocol, perMille, spans, seed, truth]: Preparation): Promise<void> {
  await prepared(service, protocol, perMille, spans, seed, truth).run();
}

type Preparation = [protocol: Protocol, perMille: number, spans: number, seed: number, truth: RunTruth[]];

/** A delivery whose runs end within the minute before now; its truth is added to what must be found in the end. */
function prepared(service: ServiceProcess, ...[protocol, perMille, spans, seed, truth]: Preparation): Delivery {
  const nowUs = Date.now() * 1000;
  const workload = workloadEndingBetween(nowUs - 60e6, nowUs - 5e6, {
    seed,
    spans,
    spansPerRequest: Number(given.batch),
    workflowPerMille: perMille,
    failing: 0.1,
    recovering: 0,
    unfinished: 0,
    noRootError: false,
    shuffle: false,
  });
  for (const run of runTruths(workload)) truth.push(run);
  const faults = { duplicates: 0, late: 0, lateDelayMs: 0 };
  const sending = { endpoints: service.otlp, connections: Number(given.connections), tries: 10 };
  return new Delivery(workload, { ...sending, ...faults, protocols: [protocol] });
}

/** Waits until the SQL answers equal the truth; resolves with what still differs when the time is over. */
async function flushed(service: ServiceProcess, truth: readonly RunTruth[]): Promise<string[]> {
  const query = <T>(sql: string) => service.query<T>(sql);
  const deadline = Date.now() + flushLimitMs;
  for (;;) {
    const [counted] = await query<{ runs: number }>('SELECT count() AS runs FROM runs');
    const complete = counted !== undefined && counted.runs >= truth.length;
    if (complete || Date.now() > deadline) {
      const differences = [
        ...(await totalDifferences(query, truth)),
        ...(await compareHealth(query, truth)).differences,
        ...(await failingStepDifferences(query, truth)),
      ];
      if (differences.length === 0 || Date.now() > deadline) return differences;
    }
    await pause(500);
  }
}

function difference(after: Usage, before: Usage): { service: number; engine: number } {
  return {
    service: after.serviceCpuSeconds - before.serviceCpuSeconds,
    engine: after.engineCpuSeconds - before.engineCpuSeconds,
  };
}

function line({ protocol, perMille, delivery, service, engine, peakBytes, differences }: Measurement): string {
  return [
    protocol.padEnd(10),
    `${perMille / 10} %`.padStart(9),
    Math.round(delivery.spans / service)
      .toLocaleString('en')
      .padStart(12),
    `${service.toFixed(2)} s`.padStart(12),
    `${engine.toFixed(2)} s`.padStart(11),
    Math.round(delivery.spans / delivery.seconds)
      .toLocaleString('en')
      .padStart(14),
    (delivery.bytes / delivery.spans).toFixed(0).padStart(7),
    `${Math.round(peakBytes / 2 ** 20)} MiB`.padStart(9),
    differences.length === 0 ? ' equal' : ` ${differences.length} differences`,
  ].join(' ');
}

function protocolNamed(name: string): Protocol {
  const protocol = protocols.find((each) => each === name);
  if (protocol === undefined) throw new Error(`--protocols: got '${name}', expected some of ${protocols.join(', ')}`);
  return protocol;
}
