/**
 * All comparisons of a service's answers with the truth, repeated until they are equal or the time is over:
 * a run settles for 2 s and panes are written once a second, so that a first answer may only be early.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { RunTruth } from '../generator/truth.ts';
import { compareHealth, failingStepDifferences } from './compare-health.ts';
import { type Query, runDifferences, stepDifferences } from './compare-ledger.ts';

export interface VerifyOptions {
  readonly toleranceUs: number;
  readonly limitMs: number;
}

export interface Verification {
  /** Empty = equal. */
  readonly differences: readonly string[];
  readonly runs: number;
  readonly steps: number;
  readonly healthRows: number;
  /** Greatest rank error of a quantile in process_health, one rank forgiven. */
  readonly worstRankError: number;
  /** How long it took until the answers were right. */
  readonly waitedMs: number;
}

export async function verifyService(
  query: Query,
  truth: readonly RunTruth[],
  options: VerifyOptions,
): Promise<Verification> {
  const started = Date.now();
  const deadline = started + options.limitMs;
  await untilCounted(query, truth.length, deadline);
  for (;;) {
    const health = await compareHealth(query, truth);
    const differences = [
      ...(await runDifferences(query, truth, options)),
      ...(await stepDifferences(query, truth, options)),
      ...health.differences,
      ...(await failingStepDifferences(query, truth)),
    ];
    if (differences.length === 0 || Date.now() > deadline) {
      const steps = truth.reduce((sum, run) => sum + run.steps.length, 0);
      const waitedMs = Date.now() - started;
      const { rows: healthRows, worstRankError } = health;
      return { differences, runs: truth.length, steps, healthRows, worstRankError, waitedMs };
    }
    await pause(1000);
  }
}

/** The cheap question first: how many runs are there. */
async function untilCounted(query: Query, runs: number, deadline: number): Promise<void> {
  while (Date.now() < deadline) {
    const [row] = await query<{ runs: number }>('SELECT count() AS runs FROM runs');
    if (row !== undefined && row.runs >= runs) return;
    await pause(250);
  }
}
