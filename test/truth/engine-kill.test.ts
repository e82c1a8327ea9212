/**
 * The engine's process is killed again and again while spans come in: it is started anew, and afterwards the ledger
 * and the aggregates equal everything that was acknowledged. Times from the kill to `/ready` are printed, not judged.
 */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Delivery } from '../../bench/generator/deliver.ts';
import { protocols } from '../../bench/generator/protocol.ts';
import { runTruths, type RunTruth } from '../../bench/generator/truth.ts';
import { workloadEndingBetween, type Workload } from '../../bench/generator/workload.ts';
import { enginePidOf } from '../../bench/process-usage.ts';
import { ServiceProcess } from '../../bench/service-process.ts';
import { verifyService } from '../../bench/verify/verify-service.ts';

const kills = Number(process.env['FINISHLINE_ENGINE_KILLS'] ?? 5);
const runs = Number(process.env['FINISHLINE_TRUTH_RUNS'] ?? 4000);
const readyLimitMs = 60_000;

interface Outage {
  readonly backMs: number;
  /** What `/ready` said meanwhile. */
  readonly reasons: readonly string[];
}

test(`the engine killed ${kills} times under load`, { timeout: 600_000 }, async () => {
  await using service = await ServiceProcess.start();
  const truth: RunTruth[] = [];
  const outages: Outage[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const workload = workloadOf(kill);
    truth.push(...runTruths(workload));
    let acknowledged = false;
    const sending = deliveryOf(workload, service)
      .run()
      .then(() => (acknowledged = true));
    await pause(100);
    expect(acknowledged).toBe(false);
    outages.push(await killEngine(service));
    await sending;
  }
  const result = await verifyService((sql) => service.query(sql), truth, { toleranceUs: 0, limitMs: 120_000 });

  const times = outages.map((outage) => `${outage.backMs} ms`).join(', ');
  console.log(`engine killed ${kills} times under load, ${truth.length} runs right, ready again after ${times}`);
  expect(result.differences).toEqual([]);
  for (const { reasons } of outages) expect(reasons.join(' ')).toMatch(/engine|ClickHouse/);
});

/** A part of the runs of its own, so that every kill finds new runs on their way. */
function workloadOf(kill: number): Workload {
  const nowUs = Date.now() * 1000;
  const shape = { failing: 0.1, recovering: 0, unfinished: 0, noRootError: false, shuffle: true };
  const spans = Math.ceil(runs / kills) * 10;
  const options = { seed: 303 + kill, spans, spansPerRequest: 10, workflowPerMille: 500, ...shape };
  return workloadEndingBetween(nowUs - 30 * 60e6, nowUs - 5e6, options);
}

function deliveryOf(workload: Workload, service: ServiceProcess): Delivery {
  const faults = { protocols, duplicates: 0, late: 0, lateDelayMs: 0 };
  return new Delivery(workload, { ...faults, endpoints: service.otlp, connections: 2, tries: 50 });
}

async function killEngine(service: ServiceProcess): Promise<Outage> {
  const pid = enginePidOf(service.pid);
  expect(pid).toBeDefined();
  process.kill(pid!, 'SIGKILL');
  const killedAt = Date.now();
  const reasons = new Set<string>();
  while (Date.now() - killedAt < readyLimitMs) {
    const response = await fetch(`${service.admin}/ready`);
    if (response.status === 200 && reasons.size > 0) return { backMs: Date.now() - killedAt, reasons: [...reasons] };
    if (response.status === 503) reasons.add(await response.text());
    else await response.body?.cancel();
    await pause(5);
  }
  throw new Error(
    `not ready again ${readyLimitMs / 1000} s after the engine was killed: ${[...reasons].join(' ')}\n${service.log}`,
  );
}
