/**
 * All trace groups in memory, found by trace id and by explicit run id; those that name one run id become one group.
 * Owns the indexes, the order of silence and the eviction; when a group is looked at is the machine's business.
 */
import type { Event } from '../event.ts';
import { EventRole } from '../event.ts';
import { TraceGroup, type GroupLimits, type Insertion } from './trace-group.ts';

export interface Inserted {
  readonly group: TraceGroup;
  readonly insertion: Insertion;
}

export class GroupStore {
  readonly #limits: GroupLimits;
  readonly #byTrace = new Map<string, TraceGroup>();
  readonly #byRunId = new Map<string, TraceGroup>();
  /** Groups with something open, the one longest without a sign first. */
  readonly open = new Set<TraceGroup>();
  /** Groups that only wait for a suspended run to go on. */
  readonly suspended = new Set<TraceGroup>();
  /** Groups of nothing but untagged errors, oldest first. */
  readonly clues = new Set<TraceGroup>();
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
    const before = group.events.length;
    const insertion = group.insert(event, this.#limits);
    this.#spans += group.events.length - before;
    if (insertion === 'added' && event.role === EventRole.UNTAGGED) this.#untagged++;
    this.#noteSign(group, event);
    return { group, insertion };
  }

  /** Forgets a group; a later span of its traces starts anew. */
  evict(group: TraceGroup): void {
    for (const traceId of group.traceIds) this.#byTrace.delete(traceId);
    for (const runId of group.runIds) this.#byRunId.delete(runId);
    this.open.delete(group);
    this.suspended.delete(group);
    this.clues.delete(group);
    this.#spans -= group.events.length;
    for (const event of group.events) if (event.role === EventRole.UNTAGGED) this.#untagged--;
    group.gone = true;
  }

  #newGroup(traceId: string): TraceGroup {
    const group = new TraceGroup();
    group.traceIds.push(traceId);
    this.#byTrace.set(traceId, group);
    return group;
  }

  /** The group of the run id takes over this one, so that a run of several traces is one set. */
  #join(group: TraceGroup, runId: string): TraceGroup {
    const named = this.#byRunId.get(runId);
    if (named === undefined) {
      this.#byRunId.set(runId, group);
      group.runIds.push(runId);
      return group;
    }
    if (named === group) return group;
    const before = named.events.length + group.events.length;
    named.absorb(group, this.#limits);
    this.#spans += named.events.length - before;
    for (const traceId of group.traceIds) this.#byTrace.set(traceId, named);
    for (const id of group.runIds) this.#byRunId.set(id, named);
    this.open.delete(group);
    this.suspended.delete(group);
    this.clues.delete(group);
    return named;
  }

  #noteSign(group: TraceGroup, event: Event): void {
    if (event.role === EventRole.UNTAGGED && !this.open.has(group) && group.published.length === 0) {
      this.clues.add(group);
      return;
    }
    this.clues.delete(group);
    this.suspended.delete(group);
    this.open.delete(group);
    this.open.add(group);
  }
}
