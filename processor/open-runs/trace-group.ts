/**
 * The kept spans of one trace, or of several that an explicit run id joins: an append-only set of events.
 * Owns the set (one span id, one content) and its bounds; the events themselves lie in the slab. Computes nothing
 * about runs.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { InFlightRow } from '../../schema/rows.ts';
import { compareInstants, EventRole, StatusCode, winsOver, type Event } from '../event.ts';
import type { PublishedRun } from '../ledger/published-run.ts';
import type { EventSlab } from './event-slab.ts';
import type { GroupList } from './group-list.ts';

export interface GroupLimits {
  readonly maxSpansPerRun: number;
  readonly maxEvidencePerTrace: number;
}

/** What became of an event that was offered: `same` = nothing new in it; the last two are drops. */
export type Insertion = 'added' | 'replaced' | 'same' | 'truncated' | 'evidence_limit';

const LINEAR_SEARCH_LIMIT = 16;
const NONE: ReadonlyMap<string, InFlightRow> = new Map();

export class TraceGroup {
  /** The first trace, and further ones that run ids brought in. */
  readonly traceIds: string[];
  runIds: readonly string[] = [];
  /** Runs of this group that have rows. */
  published: readonly PublishedRun[] = [];
  /** Rows of runs known to be running, by `environment, process, run id`. */
  inFlight = NONE;
  /** Events came since the runs were last derived. */
  dirty = false;
  /** Spans beyond the cap: counted, not kept. */
  truncated = 0;
  /** Spans of no dialect among the events. */
  untagged = 0;
  lastSeen: Micros = 0;
  /** When the group was last looked at: runs known but not closed yet, and spans that belong to no run. */
  unclosed = 0;
  orphans = 0;
  /** Stands in the queue of groups whose in-flight rows are due; in that of the daily rewriting. */
  inFlightQueued = false;
  dailyQueued = false;
  /** When all its runs were last found closed, and how many of its spans the closed ones' bound counts. */
  closedAt: Micros = 0;
  closedSpans = 0;
  /** Dropped from memory: timers that still name it have nothing to do. */
  gone = false;
  /** The group that took this one over; timers go on there. */
  mergedInto: TraceGroup | undefined;
  /** Links of the list the group stands in. */
  list: GroupList | undefined;
  before: TraceGroup | undefined;
  after: TraceGroup | undefined;
  readonly #slab: EventSlab;
  #cells: number[] = [];
  #index: Map<string, number> | undefined;

  constructor(traceId: string, slab: EventSlab) {
    this.traceIds = [traceId];
    this.#slab = slab;
  }

  get size(): number {
    return this.#cells.length;
  }

  /** The events, read anew from the slab. */
  events(): Event[] {
    return this.#cells.map((cell) => this.#slab.read(cell, this.runIds));
  }

  insert(event: Event, limits: GroupLimits): Insertion {
    this.lastSeen = Math.max(this.lastSeen, event.received);
    const place = this.#find(event);
    if (place !== -1) return this.#meetAgain(this.#cells[place]!, event);
    if (this.#cells.length >= limits.maxSpansPerRun && isExpendable(event)) {
      this.truncated++;
      this.dirty = true;
      return 'truncated';
    }
    if (isEvidence(event)) return this.#insertEvidence(event, limits.maxEvidencePerTrace);
    this.#add(event);
    return 'added';
  }

  /** Takes over another group's events and rows. */
  absorb(other: TraceGroup, limits: GroupLimits): void {
    for (const runId of other.runIds) this.numberOf(runId);
    for (const event of other.events()) this.insert(event, limits);
    other.freeEvents();
    this.traceIds.push(...other.traceIds);
    this.published = [...this.published, ...other.published];
    this.inFlight = new Map([...this.inFlight, ...other.inFlight]);
    this.truncated += other.truncated;
    this.unclosed += other.unclosed;
    this.closedSpans += other.closedSpans;
    this.dirty = true;
    other.gone = true;
    other.mergedInto = this;
  }

  /** Gives the cells back; the group holds nothing any more. */
  freeEvents(): void {
    for (const cell of this.#cells) this.#slab.free(cell);
    this.#cells = [];
    this.#index = undefined;
  }

  /** The number of an explicit run id in this group, from 1; 0 for ''. */
  numberOf(runId: string): number {
    if (runId === '') return 0;
    const known = this.runIds.indexOf(runId);
    if (known !== -1) return known + 1;
    this.runIds = [...this.runIds, runId];
    return this.runIds.length;
  }

  #add(event: Event): void {
    this.#cells.push(this.#slab.add(event, this.numberOf(event.runId)));
    this.dirty = true;
    if (event.role === EventRole.UNTAGGED) this.untagged++;
    if (this.#index !== undefined) this.#index.set(keyOf(event), this.#cells.length - 1);
    else if (this.#cells.length > LINEAR_SEARCH_LIMIT) this.#buildIndex();
  }

  #buildIndex(): void {
    this.#index = new Map(this.events().map((event, place) => [keyOf(event), place]));
  }

  #find(event: Event): number {
    if (this.#index !== undefined) return this.#index.get(keyOf(event)) ?? -1;
    for (let place = 0; place < this.#cells.length; place++) {
      if (this.#slab.isSpan(this.#cells[place]!, event)) return place;
    }
    return -1;
  }

  /** The content that wins stays; the receipt is the first of all. */
  #meetAgain(cell: number, event: Event): Insertion {
    const known = this.#slab.read(cell, this.runIds);
    const received = Math.min(known.received, event.received);
    if (!winsOver(event, known)) {
      if (received < known.received) this.#slab.setReceived(cell, received);
      return 'same';
    }
    event.received = received;
    this.#slab.write(cell, event, this.numberOf(event.runId));
    if (known.role === EventRole.UNTAGGED) this.untagged--;
    if (event.role === EventRole.UNTAGGED) this.untagged++;
    this.dirty = true;
    return 'replaced';
  }

  /** Of a trace's untagged errors the ones that start last are kept. */
  #insertEvidence(event: Event, limit: number): Insertion {
    const events = this.events();
    const held = events.filter((other) => isEvidence(other) && other.traceId === event.traceId);
    if (held.length < limit) {
      this.#add(event);
      return 'added';
    }
    const earliest = held.reduce((first, other) => (startsBefore(other, first) ? other : first));
    if (startsBefore(event, earliest)) return 'evidence_limit';
    this.#slab.write(this.#cells[events.indexOf(earliest)]!, event, this.numberOf(event.runId));
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
