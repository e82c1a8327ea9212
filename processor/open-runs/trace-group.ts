/**
 * The kept spans of one trace, or of several that an explicit run id joins: an append-only set of events.
 * Owns the set (one span id, one content) and its bounds; computes nothing about runs.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { InFlightRow } from '../../schema/rows.ts';
import { compareInstants, EventRole, StatusCode, winsOver, type Event } from '../event.ts';
import type { PublishedRun } from '../ledger/published-run.ts';

export interface GroupLimits {
  readonly maxSpansPerRun: number;
  readonly maxEvidencePerTrace: number;
}

/** What became of an event that was offered: `same` = nothing new in it; the last two are drops. */
export type Insertion = 'added' | 'replaced' | 'same' | 'truncated' | 'evidence_limit';

const LINEAR_SEARCH_LIMIT = 16;

export class TraceGroup {
  readonly events: Event[] = [];
  readonly traceIds: string[] = [];
  readonly runIds: string[] = [];
  /** Runs of this group that have rows, by key. */
  published: PublishedRun[] = [];
  /** Events came since the runs were last derived. */
  dirty = false;
  /** Spans beyond the cap: counted, not kept. */
  truncated = 0;
  lastSeen: Micros = 0;
  /** Stands in the queue of groups whose in-flight rows are due; in that of the daily rewriting. */
  inFlightQueued = false;
  dailyQueued = false;
  /** When all its runs were last found closed, and how many of its spans the closed ones' bound counts. */
  closedAt: Micros = 0;
  closedSpans = 0;
  /** Runs that were derived but could not be closed yet, when the group was last looked at. */
  unclosed = 0;
  /** Rows of runs known to be running, by `environment, process, run id`. */
  readonly inFlight = new Map<string, InFlightRow>();
  /** Dropped from memory: timers that still name it have nothing to do. */
  gone = false;
  /** The group that took this one over; timers go on there. */
  mergedInto: TraceGroup | undefined;
  #index: Map<string, number> | undefined;

  insert(event: Event, limits: GroupLimits): Insertion {
    this.lastSeen = Math.max(this.lastSeen, event.received);
    const at = this.#find(event);
    if (at !== -1) return this.#meetAgain(at, event);
    if (this.events.length >= limits.maxSpansPerRun && isExpendable(event)) {
      this.truncated++;
      this.dirty = true;
      return 'truncated';
    }
    if (isEvidence(event)) {
      return this.#insertEvidence(event, limits.maxEvidencePerTrace);
    }
    this.#add(event);
    return 'added';
  }

  /** Takes over another group's events and rows. */
  absorb(other: TraceGroup, limits: GroupLimits): void {
    for (const event of other.events) this.insert(event, limits);
    this.traceIds.push(...other.traceIds);
    this.runIds.push(...other.runIds.filter((runId) => !this.runIds.includes(runId)));
    this.published.push(...other.published);
    for (const [key, row] of other.inFlight) this.inFlight.set(key, row);
    this.truncated += other.truncated;
    this.unclosed += other.unclosed;
    this.closedSpans += other.closedSpans;
    this.dirty = true;
    other.gone = true;
    other.mergedInto = this;
  }

  #add(event: Event): void {
    this.events.push(event);
    this.dirty = true;
    if (this.#index !== undefined) this.#index.set(keyOf(event), this.events.length - 1);
    else if (this.events.length > LINEAR_SEARCH_LIMIT) this.#buildIndex();
  }

  #buildIndex(): void {
    this.#index = new Map(this.events.map((event, at) => [keyOf(event), at]));
  }

  #find(event: Event): number {
    if (this.#index !== undefined) return this.#index.get(keyOf(event)) ?? -1;
    return this.events.findIndex((known) => known.spanId === event.spanId && known.traceId === event.traceId);
  }

  /** The content that wins stays; the receipt is the first of all. */
  #meetAgain(at: number, event: Event): Insertion {
    const known = this.events[at]!;
    const received = Math.min(known.received, event.received);
    if (!winsOver(event, known)) {
      known.received = received;
      return 'same';
    }
    event.received = received;
    this.events[at] = event;
    this.dirty = true;
    return 'replaced';
  }

  /** Of a trace's untagged errors the ones that start last are kept. */
  #insertEvidence(event: Event, limit: number): Insertion {
    const held = this.events.filter((other) => isEvidence(other) && other.traceId === event.traceId);
    if (held.length < limit) {
      this.#add(event);
      return 'added';
    }
    const earliest = held.reduce((first, other) => (startsBefore(other, first) ? other : first));
    if (startsBefore(event, earliest)) return 'evidence_limit';
    this.events[this.events.indexOf(earliest)] = event;
    if (this.#index !== undefined) this.#buildIndex();
    this.dirty = true;
    return 'replaced';
  }
}

/** Beyond the cap the roots and the failures are kept: they decide the rates. */
function isExpendable(event: Event): boolean {
  return event.role !== EventRole.WORKFLOW && event.status !== StatusCode.ERROR;
}

/** A trace's root cannot lie within a run, so that it is kept for the chain and not as evidence. */
function isEvidence(event: Event): boolean {
  return event.role === EventRole.UNTAGGED && event.status === StatusCode.ERROR && event.parentSpanId !== '';
}

function startsBefore(a: Event, b: Event): boolean {
  return (compareInstants(a.start, b.start) || (a.spanId < b.spanId ? -1 : 1)) < 0;
}

function keyOf(event: Event): string {
  return event.traceId + event.spanId;
}
