/**
 * One pane: the contributions of the runs of one process that ended in one minute or hour, keyed by run.
 * Owns the table and the rows computed from it; when a pane is written is decided in pane-book.ts.
 */
import type { ProcessPaneRow, Resolution, StepPaneRow } from '../../schema/rows.ts';
import { digestOfSorted } from '../digest/digest.ts';
import { encodeState, rawState } from '../digest/digest-state.ts';
import type { Contribution, RunHash } from './contribution.ts';
import { ContributionTable } from './contribution-table.ts';
import { PaneTotals, type StepTotals } from './pane-totals.ts';
import type { SortedValues } from './sorted-values.ts';

/** A step's durations are stored one by one up to this many, as a digest beyond. */
const RAW_LIMIT = 32;

type PaneKey = Pick<StepPaneRow, 'resolution' | 'pane' | 'environment' | 'process' | 'version'>;

export class Pane {
  readonly resolution: Resolution;
  /** Start, seconds since the epoch. */
  readonly start: number;
  readonly environment: string;
  readonly process: string;
  /** Version of the last process row written, and of the last step rows; 0 before the first. */
  version = 0;
  stepsVersion = 0;
  readonly #byRun = new ContributionTable();
  readonly #totals = new PaneTotals();

  constructor(resolution: Resolution, start: number, environment: string, process: string) {
    this.resolution = resolution;
    this.start = start;
    this.environment = environment;
    this.process = process;
  }

  /** Overwrites what the run contributed before. */
  put(contribution: Contribution): void {
    const before = this.#byRun.put(contribution, contribution);
    if (before !== undefined) this.#totals.count(before, -1);
    this.#totals.count(contribution, 1);
  }

  remove(run: RunHash): void {
    const known = this.#byRun.take(run);
    if (known !== undefined) this.#totals.count(known, -1);
  }

  processRow(version: number): ProcessPaneRow {
    this.version = version;
    const { states, completed, recovered, late, sampled, durationSumUs, durationsUs, queuesUs } = this.#totals;
    return {
      ...this.#key(version),
      succeeded: states.SUCCEEDED,
      failed: states.FAILED,
      abandoned: states.ABANDONED,
      cancelled: states.CANCELLED,
      skipped: states.SKIPPED,
      continued: states.CONTINUED,
      completed,
      recovered,
      late,
      sampled,
      duration: encodeState(digestOfSorted(inMilliseconds(durationsUs))),
      queue: encodeState(digestOfSorted(inMilliseconds(queuesUs))),
      durationSumUs,
      durationMaxUs: durationsUs.sorted().at(-1) ?? 0,
    };
  }

  stepRows(version: number): StepPaneRow[] {
    this.stepsVersion = version;
    const key = this.#key(version);
    return Array.from(this.#totals.steps, ([step, totals]) => stepPaneRow(key, step, totals));
  }

  #key(version: number): PaneKey {
    const { resolution, start, environment, process } = this;
    return { resolution, pane: start, environment, process, version };
  }
}

function stepPaneRow(key: PaneKey, step: string, totals: StepTotals): StepPaneRow {
  const { executions, errors, attempts, blamed, durationsMs } = totals;
  const sorted = durationsMs.sorted();
  const duration = sorted.length <= RAW_LIMIT ? rawState(sorted) : encodeState(digestOfSorted(sorted));
  return { ...key, step, executions, errors, attempts, blamed, duration };
}

function inMilliseconds(micros: SortedValues): Float64Array {
  return micros.sorted().map((us) => us / 1000);
}
