/**
 * All panes in memory, and when each is written: minute panes at most once a second, step panes every 10 s (at once
 * when what they blame changed), hour panes every 5 minutes and when sealed.
 * Owns the schedule and the eviction; what a row says is pane.ts. Time is journaled time, passed in.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { ProcessPaneRow, Resolution, StepPaneRow } from '../../schema/rows.ts';
import type { Contribution, RunHash } from './contribution.ts';
import { Pane } from './pane.ts';

const SECOND: Micros = 1_000_000;
const SECONDS_OF: Readonly<Record<Resolution, number>> = { '1m': 60, '1h': 3600 };
/** A pane is sealed so long after its end. */
const SEAL_AFTER_SECONDS = 600;

const MINUTE_INTERVAL = SECOND;
const STEP_INTERVAL = 10 * SECOND;
const HOUR_INTERVAL = 300 * SECOND;

/** Where a run stands in the panes. */
export type PanePlace = RunHash & Pick<Contribution, 'environment' | 'process' | 'endedAt'>;

export interface PaneRows {
  readonly processPanes: ProcessPaneRow[];
  readonly stepPanes: StepPaneRow[];
}

interface Schedule {
  readonly dirty: Set<Pane>;
  last: Micros;
}

export class PaneBook {
  readonly #retention: Micros;
  readonly #panes = new Map<string, Pane>();
  readonly #evicted = new Set<string>();
  readonly #minutes: Schedule = { dirty: new Set(), last: -Infinity };
  readonly #hours: Schedule = { dirty: new Set(), last: -Infinity };
  readonly #minuteSteps: Schedule = { dirty: new Set(), last: -Infinity };
  /** Panes whose blame changed: their step rows leave with the next minute panes. */
  readonly #blamed = new Set<Pane>();
  #lastEviction: Micros = 0;

  /** @param retention how long after its end a pane can still be amended */
  constructor(retention: Micros) {
    this.#retention = retention;
  }

  /**
   * Replaces what a run contributes; undefined = it contributes nothing (before its close, after its retraction).
   * @returns false when a pane concerned has left memory and cannot be amended any more
   */
  replace(before: PanePlace | undefined, after: Contribution | undefined): boolean {
    let amended = true;
    for (const resolution of ['1m', '1h'] as const) {
      const old = before === undefined ? undefined : this.#find(resolution, before);
      const next = after === undefined ? undefined : this.#open(resolution, after);
      if (after !== undefined && next === undefined) amended = false;
      if (
        old !== undefined &&
        before !== undefined &&
        (old !== next || before.runHashLow !== after?.runHashLow || before.runHashHigh !== after.runHashHigh)
      ) {
        old.remove(before);
        this.#touch(old, true);
      }
      if (next !== undefined && after !== undefined) {
        next.put(after);
        this.#touch(next, old !== undefined || after.steps.some((step) => step.blamed > 0));
      }
    }
    return amended;
  }

  /** When `take` next has something to give. */
  nextDue(): Micros {
    let due = Infinity;
    if (this.#minutes.dirty.size > 0 || this.#blamed.size > 0) due = this.#minutes.last + MINUTE_INTERVAL;
    if (this.#minuteSteps.dirty.size > 0) due = Math.min(due, this.#minuteSteps.last + STEP_INTERVAL);
    for (const pane of this.#hours.dirty) {
      due = Math.min(due, Math.max(sealedAt(pane), this.#minutes.last + MINUTE_INTERVAL));
      due = Math.min(due, this.#hours.last + HOUR_INTERVAL);
    }
    return due;
  }

  /** Adds the rows that are due at `now`. */
  take(now: Micros, rows: PaneRows): void {
    if (this.#minutes.last + MINUTE_INTERVAL <= now) this.#takeMinutes(now, rows);
    if (this.#minuteSteps.dirty.size > 0 && this.#minuteSteps.last + STEP_INTERVAL <= now) this.#takeSteps(now, rows);
    if (now - this.#lastEviction > HOUR_INTERVAL) this.#evict(now);
  }

  /** Adds every row that is not written yet, due or not: for an orderly stop. */
  takeAll(now: Micros, rows: PaneRows): void {
    this.#hours.last = -Infinity;
    this.#takeMinutes(now, rows);
    this.#takeSteps(now, rows);
  }

  #takeMinutes(now: Micros, rows: PaneRows): void {
    const { dirty } = this.#minutes;
    if (dirty.size > 0 || this.#blamed.size > 0 || this.#hours.dirty.size > 0) this.#minutes.last = now;
    for (const pane of dirty) rows.processPanes.push(pane.processRow(nextVersion(pane.version, now)));
    dirty.clear();
    for (const pane of this.#blamed) {
      this.#minuteSteps.dirty.delete(pane);
      rows.stepPanes.push(...pane.stepRows(nextVersion(pane.stepsVersion, now)));
    }
    this.#blamed.clear();
    this.#takeHours(now, rows);
  }

  #takeSteps(now: Micros, rows: PaneRows): void {
    this.#minuteSteps.last = now;
    for (const pane of this.#minuteSteps.dirty)
      rows.stepPanes.push(...pane.stepRows(nextVersion(pane.stepsVersion, now)));
    this.#minuteSteps.dirty.clear();
  }

  #takeHours(now: Micros, rows: PaneRows): void {
    const { dirty } = this.#hours;
    const all = this.#hours.last + HOUR_INTERVAL <= now;
    for (const pane of dirty) {
      if (!all && sealedAt(pane) > now) continue;
      rows.processPanes.push(pane.processRow(nextVersion(pane.version, now)));
      rows.stepPanes.push(...pane.stepRows(nextVersion(pane.stepsVersion, now)));
      dirty.delete(pane);
    }
    if (all) this.#hours.last = now;
  }

  #touch(pane: Pane, blameMayChange: boolean): void {
    if (pane.resolution === '1h') {
      this.#hours.dirty.add(pane);
      return;
    }
    this.#minutes.dirty.add(pane);
    this.#minuteSteps.dirty.add(pane);
    if (blameMayChange) this.#blamed.add(pane);
  }

  #find(resolution: Resolution, of: PanePlace): Pane | undefined {
    return this.#panes.get(keyOf(resolution, startOf(resolution, of), of));
  }

  #open(resolution: Resolution, of: PanePlace): Pane | undefined {
    const start = startOf(resolution, of);
    const key = keyOf(resolution, start, of);
    let pane = this.#panes.get(key);
    if (pane === undefined) {
      if (this.#evicted.has(key)) return undefined;
      pane = new Pane(resolution, start, of.environment, of.process);
      this.#panes.set(key, pane);
    }
    return pane;
  }

  /** Old panes leave memory; their keys stay, so that a part of one is never written over the whole. */
  #evict(now: Micros): void {
    this.#lastEviction = now;
    for (const [key, pane] of this.#panes) {
      if (endOf(pane) * SECOND + this.#retention > now) continue;
      if (this.#minutes.dirty.has(pane) || this.#hours.dirty.has(pane) || this.#minuteSteps.dirty.has(pane)) continue;
      this.#panes.delete(key);
      this.#evicted.add(key);
    }
  }
}

function startOf(resolution: Resolution, of: PanePlace): number {
  const width = SECONDS_OF[resolution];
  return Math.floor(of.endedAt / SECOND / width) * width;
}

function keyOf(resolution: Resolution, start: number, of: PanePlace): string {
  return `${resolution}${start}\0${of.environment}\0${of.process}`;
}

function endOf(pane: Pane): number {
  return pane.start + SECONDS_OF[pane.resolution];
}

function sealedAt(pane: Pane): Micros {
  return (endOf(pane) + SEAL_AFTER_SECONDS) * SECOND;
}

function nextVersion(last: number, now: Micros): number {
  return Math.max(last + 1, now);
}
