/**
 * One pane: the contributions of the runs of one process that ended in one minute or hour, keyed by run.
 * Owns the table and the rows computed from it; when a pane is written is decided in pane-book.ts.
 */
import type { ProcessPaneRow, Resolution, StepPaneRow } from '../../schema/rows.ts';
import type { TerminalState } from '../../schema/state.ts';
import { digestOf } from '../digest/digest.ts';
import { encodeState, rawState } from '../digest/digest-state.ts';
import type { Contribution, StepContribution } from './contribution.ts';

export class Pane {
  readonly resolution: Resolution;
  /** Start, seconds since the epoch. */
  readonly start: number;
  readonly environment: string;
  readonly process: string;
  /** Version of the last row written; 0 before the first. */
  version = 0;
  stepsVersion = 0;
  readonly #byRun = new Map<string, Contribution>();
  /** Every step that ever had a row here: one that lost its last run is written as zeros. */
  readonly #stepNames = new Set<string>();

  constructor(resolution: Resolution, start: number, environment: string, process: string) {
    this.resolution = resolution;
    this.start = start;
    this.environment = environment;
    this.process = process;
  }

  get size(): number {
    return this.#byRun.size;
  }

  put(contribution: Contribution): void {
    this.#byRun.set(contribution.runId, contribution);
  }

  remove(runId: string): void {
    this.#byRun.delete(runId);
  }

  processRow(version: number): ProcessPaneRow {
    this.version = version;
    const counts = { SUCCEEDED: 0, FAILED: 0, ABANDONED: 0, CANCELLED: 0, SKIPPED: 0, CONTINUED: 0 } satisfies Record<
      TerminalState,
      number
    >;
    const marks = { completed: 0, recovered: 0, late: 0, sampled: 0 };
    const durations: number[] = [];
    const queues: number[] = [];
    let durationSumUs = 0;
    let durationMaxUs = 0;
    for (const run of this.#byRun.values()) {
      counts[run.state]++;
      countMarks(marks, run);
      if (run.queueUs !== null) queues.push(run.queueUs / 1000);
      if (run.durationUs === null) continue;
      durations.push(run.durationUs / 1000);
      durationSumUs += run.durationUs;
      durationMaxUs = Math.max(durationMaxUs, run.durationUs);
    }
    return {
      ...this.#key(version),
      succeeded: counts.SUCCEEDED,
      failed: counts.FAILED,
      abandoned: counts.ABANDONED,
      cancelled: counts.CANCELLED,
      skipped: counts.SKIPPED,
      continued: counts.CONTINUED,
      ...marks,
      duration: encodeState(digestOf(durations)),
      queue: encodeState(digestOf(queues)),
      durationSumUs,
      durationMaxUs,
    };
  }

  stepRows(version: number): StepPaneRow[] {
    this.stepsVersion = version;
    const totals = new Map<string, StepContribution>();
    for (const step of this.#stepNames) totals.set(step, emptyTotal(step));
    for (const run of this.#byRun.values()) {
      for (const step of run.steps) addStep(totals, step);
    }
    for (const step of totals.keys()) this.#stepNames.add(step);
    const key = this.#key(version);
    return [...totals.values()].map((total) => stepPaneRow(key, total));
  }

  #key(version: number): PaneKey {
    const { resolution, start, environment, process } = this;
    return { resolution, pane: start, environment, process, version };
  }
}

type PaneKey = Pick<StepPaneRow, 'resolution' | 'pane' | 'environment' | 'process' | 'version'>;

function stepPaneRow(
  key: PaneKey,
  { step, executions, errors, attempts, blamed, durationsMs }: StepContribution,
): StepPaneRow {
  return { ...key, step, executions, errors, attempts, blamed, duration: rawState(durationsMs) };
}

function countMarks(
  marks: { completed: number; recovered: number; late: number; sampled: number },
  run: Contribution,
): void {
  if (run.completed) marks.completed++;
  if (run.recovered) marks.recovered++;
  if (run.late) marks.late++;
  if (run.sampled) marks.sampled++;
}

function emptyTotal(step: string): StepContribution {
  return { step, executions: 0, errors: 0, attempts: 0, blamed: 0, durationsMs: [] };
}

function addStep(totals: Map<string, StepContribution>, step: StepContribution): void {
  let total = totals.get(step.step);
  if (total === undefined) totals.set(step.step, (total = emptyTotal(step.step)));
  total.executions += step.executions;
  total.errors += step.errors;
  total.attempts += step.attempts;
  total.blamed += step.blamed;
  for (const ms of step.durationsMs) total.durationsMs.push(ms);
}
