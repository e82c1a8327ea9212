/**
 * Looks at a group's set of spans at a moment: closes the runs that may close, amends those that did, retracts those
 * that are none. Owns the question "may it close now?"; what a run is, is derive's business.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { TerminalState } from '../../schema/state.ts';
import { deriveAbandoned, rootlessRuns } from '../derive/abandoned.ts';
import { deriveRuns } from '../derive/derive.ts';
import type { DerivedRun } from '../derive/derived-run.ts';
import { isTerminal, partition, type RunSpans } from '../derive/run-spans.ts';
import type { PublishedRun } from '../ledger/published-run.ts';
import type { Publisher } from '../ledger/publisher.ts';
import type { RowSink } from '../ledger/row-sink.ts';
import type { TraceGroup } from './trace-group.ts';

export interface CloseTimes {
  readonly settle: Micros;
  readonly undecidedWait: Micros;
  readonly runTimeout: Micros;
  readonly suspendedTimeout: Micros;
}

/** Runs that are known to be running. */
export interface OpenRuns {
  readonly suspended: readonly RunSpans[];
  readonly rootless: readonly RunSpans[];
  /** Spans that belong to no run that is known, by process and id or by root. */
  readonly orphans: number;
}

export class Closer {
  readonly #times: CloseTimes;
  readonly #publisher: Publisher;

  constructor(times: CloseTimes, publisher: Publisher) {
    this.#times = times;
    this.#publisher = publisher;
  }

  /** Brings the rows of a group in line with its spans; sets `dirty` and `unclosed`. */
  close(group: TraceGroup, now: Micros, rows: RowSink): void {
    const { runs, waiting } = partition(group.events());
    const derived = deriveRuns(runs, group.truncated > 0);
    const standing: PublishedRun[] = [];
    let unclosed = 0;
    for (const run of runs) {
      const known = isTerminal(run.root) ? group.published.find((published) => isOf(published, run)) : undefined;
      if (known !== undefined) standing.push(this.#amend(known, derived.get(run)!, now, rows));
      else if (this.#mayClose(run, now)) standing.push(this.#publish(derived.get(run)!, now, rows));
      else unclosed++;
    }
    for (const published of group.published) {
      if (standing.includes(published) || isAbandoned(published)) continue;
      this.#publisher.retract(published, now, rows);
    }
    keepAbandoned(group, standing);
    group.published = standing;
    const rootless = unpublished(rootlessRuns(waiting), group);
    group.unclosed = unclosed + rootless.length;
    group.orphans = waiting.length - spanCount(rootless);
    group.dirty = false;
  }

  /** The runs of the group that are known to be running. */
  openRuns(group: TraceGroup): OpenRuns {
    const { runs, waiting } = partition(group.events());
    const rootless = unpublished(rootlessRuns(waiting), group);
    const suspended = runs.filter((run) => !isTerminal(run.root));
    return {
      suspended: unpublished(suspended, group),
      rootless,
      orphans: waiting.length - spanCount(rootless),
    };
  }

  /** Gives up the runs that have been silent for their timeout. @returns whether any went on waiting */
  abandon(group: TraceGroup, open: OpenRuns, now: Micros, rows: RowSink): boolean {
    const { runTimeout, suspendedTimeout } = this.#times;
    const given = open.rootless.map((run) => this.#publish(deriveAbandoned(run, false, runTimeout), now, rows));
    let waiting = false;
    for (const run of open.suspended) {
      if (group.lastSeen + suspendedTimeout > now) waiting = true;
      else given.push(this.#publish(deriveAbandoned(run, true, suspendedTimeout), now, rows));
    }
    group.published = [...group.published, ...given];
    return waiting;
  }

  #mayClose(run: RunSpans, now: Micros): boolean {
    if (!isTerminal(run.root)) return false;
    const { settle, undecidedWait } = this.#times;
    return run.root.event.received + (run.root.undecided ? Math.max(settle, undecidedWait) : settle) <= now;
  }

  #publish(run: DerivedRun, now: Micros, rows: RowSink): PublishedRun {
    return this.#publisher.publish(run, terminalState(run), now, rows);
  }

  #amend(known: PublishedRun, run: DerivedRun, now: Micros, rows: RowSink): PublishedRun {
    this.#publisher.amend(known, run, terminalState(run), now, rows);
    return known;
  }
}

function isOf(published: PublishedRun, run: RunSpans): boolean {
  const { key } = published;
  return key.runId === run.runId && key.process === run.process && key.environment === run.environment;
}

function unpublished(runs: readonly RunSpans[], group: TraceGroup): RunSpans[] {
  return runs.filter((run) => !group.published.some((known) => isOf(known, run)));
}

function spanCount(runs: readonly RunSpans[]): number {
  return runs.reduce((sum, run) => sum + run.steps.length, 0);
}

function isAbandoned(published: PublishedRun): boolean {
  return published.state === 'ABANDONED';
}

/** A run that was given up stays so until its root comes. */
function keepAbandoned(group: TraceGroup, standing: PublishedRun[]): void {
  for (const published of group.published) {
    if (isAbandoned(published) && !standing.includes(published)) standing.push(published);
  }
}

/** Closed runs are terminal by definition; anything else is a mistake of ours. */
function terminalState(run: DerivedRun): TerminalState {
  const { state } = run;
  if (state === 'PENDING' || state === 'RUNNING' || state === 'SUSPENDED') {
    throw new TypeError(`run ${run.runId} closes in the open state ${state}`);
  }
  return state;
}
