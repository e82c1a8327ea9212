/**
 * Writes what was derived of a run: the first time, when it changed, and when it turns out not to be a run.
 * Owns versions, tombstones and the marks of lateness, and keeps the panes in step with the ledger: both change here
 * or not at all.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { RunKey } from '../../schema/rows.ts';
import type { Quality, TerminalState } from '../../schema/state.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import type { DerivedRun } from '../derive/derived-run.ts';
import { contributionOf, hashOfRun, type Contribution } from '../panes/contribution.ts';
import type { PaneBook, PanePlace } from '../panes/pane-book.ts';
import { fingerprintOf } from './fingerprint.ts';
import { runRow, runTombstone, stepRow, stepTombstone } from './ledger-rows.ts';
import type { PublishedRun, StepKey } from './published-run.ts';
import type { RowSink } from './row-sink.ts';

const DAY: Micros = 86_400_000_000;

export class Publisher {
  readonly #panes: PaneBook;
  readonly #telemetry: Telemetry;

  constructor(panes: PaneBook, telemetry: Telemetry) {
    this.#panes = panes;
    this.#telemetry = telemetry;
  }

  /** Writes a run that closes now. */
  publish(run: DerivedRun, state: TerminalState, now: Micros, rows: RowSink): PublishedRun {
    const key: RunKey = {
      openedDay: Math.floor(run.firstReceived / DAY),
      environment: run.environment,
      process: run.process,
      runId: run.runId,
    };
    const published: PublishedRun = {
      key,
      version: now,
      closedAt: now,
      fingerprint: fingerprintOf(run),
      steps: stepKeys(run),
      endedAt: run.endedAt.us,
      state,
    };
    this.#contribute(undefined, contributionOf(run, state, false), run.runId);
    this.#write(run, published, run.quality, rows);
    this.#telemetry.count('finishline_runs_total', 1, { environment: key.environment, process: key.process, state });
    return published;
  }

  /** Writes a closed run again if what is derived of it now is something else. */
  amend(published: PublishedRun, run: DerivedRun, state: TerminalState, now: Micros, rows: RowSink): void {
    const fingerprint = fingerprintOf(run);
    if (fingerprint === published.fingerprint) return;
    // Timers fire before the spans of their record are taken.
    const late = run.lastReceived >= published.closedAt;
    const before = placeOf(published);
    const given = published.steps;
    published.version = Math.max(published.version + 1, now);
    published.fingerprint = fingerprint;
    published.steps = stepKeys(run);
    published.endedAt = run.endedAt.us;
    published.state = state;
    this.#contribute(before, contributionOf(run, state, late), run.runId);
    this.#write(run, published, marked(run.quality, late), rows);
    for (const step of given) {
      if (!published.steps.some((kept) => isSame(kept, step))) {
        rows.steps.push(stepTombstone(published.key, step, published.version));
      }
    }
    this.#telemetry.count('finishline_corrections_total', 1, { kind: 'amended' });
  }

  /** Takes back a run that is none: tombstones in one batch, its contribution removed. */
  retract(published: PublishedRun, now: Micros, rows: RowSink): void {
    const version = Math.max(published.version + 1, now);
    rows.runs.push(runTombstone(published.key, version));
    for (const step of published.steps) rows.steps.push(stepTombstone(published.key, step, version));
    this.#contribute(placeOf(published), undefined, published.key.runId);
    this.#telemetry.count('finishline_corrections_total', 1, { kind: 'retracted' });
  }

  #write(run: DerivedRun, published: PublishedRun, quality: readonly Quality[], rows: RowSink): void {
    const { key, version } = published;
    rows.runs.push(runRow(run, key, version, quality));
    for (const step of run.steps) rows.steps.push(stepRow(run, step, key, version));
  }

  #contribute(before: PanePlace | undefined, after: Contribution | undefined, runId: string): void {
    if (this.#panes.replace(before, after)) return;
    this.#telemetry.count('finishline_pane_contributions_dropped_total', 1, { reason: 'pane_sealed' });
    this.#telemetry.error('a run ended in a minute that is no longer in memory: the ledger has it, its panes do not', {
      run_id: runId,
    });
  }
}

function placeOf({ key, endedAt }: PublishedRun): PanePlace {
  return { environment: key.environment, process: key.process, ...hashOfRun(key.runId), endedAt };
}

function stepKeys(run: DerivedRun): StepKey[] {
  return run.steps.map(({ step, execution }) => ({ step, execution }));
}

function isSame(a: StepKey, b: StepKey): boolean {
  return a.execution === b.execution && a.step === b.step;
}

function marked(quality: readonly Quality[], late: boolean): Quality[] {
  const marks: Quality[] = late ? ['amended', 'late'] : ['amended'];
  return [...quality, ...marks].toSorted();
}
