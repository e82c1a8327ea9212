/**
 * What one run puts into the panes of its end. Owns the shape and its making from a derived run.
 * Panes are tables of these keyed by run, never counters: an amendment overwrites, applying twice changes nothing.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { TerminalState } from '../../schema/state.ts';
import { ContentHash } from '../interpret/content-hash.ts';
import type { DerivedRun, DerivedStep } from '../derive/derived-run.ts';

export interface StepContribution {
  readonly step: string;
  executions: number;
  errors: number;
  attempts: number;
  blamed: number;
  /** Milliseconds of each measured execution. */
  readonly durationsMs: number[];
}

/** A run as the panes know it: 64 bits of its id's hash, as two unsigned words. */
export interface RunHash {
  readonly runHashHigh: number;
  readonly runHashLow: number;
}

export interface Contribution extends RunHash {
  readonly environment: string;
  readonly process: string;
  readonly endedAt: Micros;
  readonly state: TerminalState;
  readonly completed: boolean;
  readonly recovered: boolean;
  readonly late: boolean;
  readonly sampled: boolean;
  /** Whole µs for sums, and for the digest when the run may enter it; null otherwise. */
  readonly durationUs: number | null;
  readonly queueUs: number | null;
  readonly steps: readonly StepContribution[];
}

export function hashOfRun(runId: string): RunHash {
  const hash = new ContentHash();
  hash.reset();
  hash.text(runId);
  return { runHashHigh: hash.high, runHashLow: hash.low };
}

export function contributionOf(run: DerivedRun, state: TerminalState, late: boolean): Contribution {
  return {
    environment: run.environment,
    process: run.process,
    ...hashOfRun(run.runId),
    endedAt: run.endedAt.us,
    state,
    completed: run.completed,
    recovered: run.recovered,
    late,
    sampled: run.quality.includes('sampled'),
    durationUs: state === 'SUCCEEDED' || state === 'FAILED' ? run.durationUs : null,
    queueUs: run.queueUs,
    steps: stepContributions(run),
  };
}

function stepContributions(run: DerivedRun): StepContribution[] {
  const bySteps: StepContribution[] = [];
  for (const step of run.steps) addExecution(contributionTo(bySteps, step.step), step);
  // What broke the run need not be a step of it: evidence, `(run)` and `(timeout)` stand among the steps too.
  if (run.failingStep !== '') contributionTo(bySteps, run.failingStep).blamed = 1;
  return bySteps;
}

/** Runs have few distinct steps: a linear search beats a map. */
function contributionTo(steps: StepContribution[], name: string): StepContribution {
  const known = steps.find((step) => step.step === name);
  if (known !== undefined) return known;
  const added = { step: name, executions: 0, errors: 0, attempts: 0, blamed: 0, durationsMs: [] };
  steps.push(added);
  return added;
}

function addExecution(to: StepContribution, step: DerivedStep): void {
  to.executions++;
  to.attempts += step.attemptCount;
  if (step.state === 'FAILED' || step.state === 'ABANDONED') to.errors++;
  if (step.durationUs !== null) to.durationsMs.push(step.durationUs / 1000);
}
