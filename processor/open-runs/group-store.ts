/**
 * All trace groups in memory, found by trace id and by explicit run id; those that name one run id become one group.
 * Owns the indexes, the order of silence and the eviction; when a group is looked at is the machine's business.
 */
import type { Event } from '../event.ts';
import { EventRole } from '../event.ts';
import { EventSlab } from './event-slab.ts';
import { GroupList } from './group-list.ts';
import { TraceGroup, type GroupLimits, type Insertion } from './trace-group.ts';

export interface Inserted {
  readonly group: TraceGroup;
  readonly insertion: Insertion;
}

export class GroupStore {
  readonly #limits: GroupLimits;
  readonly #slab = new EventSlab();
  readonly #byTrace = new Map<string, TraceGroup>();
  readonly #byRunId = new Map<string, TraceGroup>();
  /** Groups with something open. */
  readonly open = new GroupList();
  /** Groups that only wait for a suspended run to go on. */
  readonly suspended = new GroupList();
  /** Groups of nothing but untagged errors. */
  readonly clues = new GroupList();
  #spans = 0;
  #untagged = 0;

  constructor(limits: GroupLimits) {
    this.#limits = limits;
  }

  get spanCount(): number {
    return this.#spans;
  }

  /** Untagged spans that are kept, as evidence or for the sight of a local root. */
  get untaggedCount(): number {
    return this.#untagged;
  }

  find(traceId: string): TraceGroup | undefined {
    return this.#byTrace.get(traceId);
  }

  /** Puts an event into the group of its trace, joined with that of its run id. */
  insert(event: Event): Inserted {
    let group = this.#byTrace.get(event.traceId) ?? this.#newGroup(event.traceId);
    if (event.runId !== '') group = this.#join(group, event.runId);
    this.#forgetCounts(group);
    const insertion = group.insert(event, this.#limits);
    this.#count(group);
    // A repetition tells a closed group nothing.
    if (insertion !== 'same' || group.list !== undefined) this.#noteSign(group, event);
    return { group, insertion };
  }

  /** Forgets a group; a later span of its traces starts anew. */
  evict(group: TraceGroup): void {
    for (const traceId of group.traceIds) this.#byTrace.delete(traceId);
    for (const runId of group.runIds) this.#byRunId.delete(runId);
    group.list?.remove(group);
    this.#forgetCounts(group);
    group.freeEvents();
    group.gone = true;
  }

  #newGroup(traceId: string): TraceGroup {
    const group = new TraceGroup(traceId, this.#slab);
    this.#byTrace.set(traceId, group);
    return group;
  }

  /** The group of the run id takes over this one, so that a run of several traces is one set. */
  #join(group: TraceGroup, runId: string): TraceGroup {
    const named = this.#byRunId.get(runId);
    if (named === undefined) {
      this.#byRunId.set(runId, group);
      group.numberOf(runId);
      return group;
    }
    if (named === group) return group;
    this.#forgetCounts(named);
    this.#forgetCounts(group);
    named.absorb(group, this.#limits);
    this.#count(named);
    for (const traceId of group.traceIds) this.#byTrace.set(traceId, named);
    for (const id of group.runIds) this.#byRunId.set(id, named);
    group.list?.remove(group);
    return named;
  }

  #forgetCounts(group: TraceGroup): void {
    this.#spans -= group.size;
    this.#untagged -= group.untagged;
  }

  #count(group: TraceGroup): void {
    this.#spans += group.size;
    this.#untagged += group.untagged;
  }

  #noteSign(group: TraceGroup, event: Event): void {
    const isClue = event.role === EventRole.UNTAGGED && !this.open.has(group) && group.published.length === 0;
    if (isClue && group.untagged === group.size) this.clues.push(group);
    else this.open.push(group);
  }
}
