/**
 * The event: what the interpreter makes of one kept span, and the only thing that runs are made of.
 * Owns the shape and the order of events; nothing here is computed about runs.
 * Ids are raw bytes as latin1 strings, so that string order is byte order.
 */
import type { OutcomeValue } from '../schema/dialect.ts';
import type { Micros } from '../schema/journal-record.ts';
import type { Instant } from '../schema/rows.ts';

/** By its own attributes; ancestry decides later whether a WORKFLOW is a run or a step. */
export const EventRole = {
  /** No dialect matched: evidence when its status is ERROR, a sighting when it is a local root. */
  UNTAGGED: 0,
  STEP: 1,
  WORKFLOW: 2,
} as const;
export type EventRole = (typeof EventRole)[keyof typeof EventRole];

/** OTLP StatusCode. */
export const StatusCode = { UNSET: 0, OK: 1, ERROR: 2 } as const;

export interface Event {
  readonly role: EventRole;
  /** Name of the dialect; '' for untagged spans. */
  readonly dialect: string;
  readonly unsetIsSuccess: boolean;
  readonly traceId: string;
  readonly spanId: string;
  /** '' = no parent. */
  readonly parentSpanId: string;
  readonly remoteParent: boolean;
  readonly start: Instant;
  readonly end: Instant;
  readonly status: number;
  readonly name: string;
  /** `workflow.name`; '' when the span does not carry one. */
  readonly process: string;
  /** The explicit run id; '' when the span does not carry one. */
  readonly runId: string;
  readonly stepName: string;
  readonly stepKey: string;
  readonly verb: string;
  /** 1.. ; 0 when the span does not say. */
  readonly attempt: number;
  readonly environment: string;
  readonly service: string;
  readonly serviceVersion: string;
  /** 32-bit hash of the resource: two attempts on different resources may overlap a little. */
  readonly resource: number;
  readonly outcome: OutcomeValue | '';
  readonly trigger: string;
  readonly enqueuedAt: Instant | null;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly sampled: boolean;
  readonly hashHigh: number;
  readonly hashLow: number;
  /** Journal time of the span's first receipt; the only field that a repetition may change. */
  received: Micros;
}

/** A local root has no parent, or one in another process (OTLP span flags 0x100 | 0x200). */
export function isLocalRoot(event: Event): boolean {
  return event.parentSpanId === '' || event.remoteParent;
}

export function compareInstants(a: Instant, b: Instant): number {
  return a.us - b.us || a.ns - b.ns;
}

/** Order of (start, span id): total within a trace. */
export function byStart(a: Event, b: Event): number {
  return (
    compareInstants(a.start, b.start) || compareStrings(a.spanId, b.spanId) || compareStrings(a.traceId, b.traceId)
  );
}

export function compareStrings(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether `outer` spans the whole of `inner`'s time. */
export function containsInTime(outer: Event, inner: Event): boolean {
  return compareInstants(outer.start, inner.start) <= 0 && compareInstants(inner.end, outer.end) <= 0;
}

/**
 * Whether `challenger` is the content to keep of two spans with one (trace id, span id): later end,
 * then ERROR over OK over UNSET, then the greater hash. By content, never by arrival.
 */
export function winsOver(challenger: Event, holder: Event): boolean {
  return (
    (compareInstants(challenger.end, holder.end) ||
      challenger.status - holder.status ||
      challenger.hashHigh - holder.hashHigh ||
      challenger.hashLow - holder.hashLow) > 0
  );
}
