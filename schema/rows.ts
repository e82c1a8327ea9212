/**
 * The rows that the processor derives and an exporter stores: ledger, in-flight runs and panes.
 * Owns shapes and units; column types are in tables.ts, encodings in exporter/clickhouse.
 * Invariant: a row is the whole current truth of its key; `version` only grows, so writing again is harmless.
 */
import type { Micros } from './journal-record.ts';
import type { Quality, RunState } from './state.ts';

/** A point in time with nanosecond precision: `us` µs since the epoch (an integer < 2^53) and 0..999 ns more. */
export interface Instant {
  readonly us: Micros;
  readonly ns: number;
}

/** The identity of a run; `openedDay` is kept for the run's whole life, so that it may stand first in the key. */
export interface RunKey {
  /** Days since 1970-01-01 UTC of the journal time of the run's first span. */
  readonly openedDay: number;
  readonly environment: string;
  readonly process: string;
  readonly runId: string;
}

/**
 * One span that a row stands for: enough to rebuild the event exactly and to recognise a repetition at any age.
 * Ids are raw bytes as latin1 strings (trace 16, span and parent 8, '' = no parent).
 */
export interface SpanRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 64-bit content hash as two unsigned words. */
  readonly hashHigh: number;
  readonly hashLow: number;
  readonly start: Instant;
  readonly end: Instant;
  /** OTLP StatusCode: 0 UNSET, 1 OK, 2 ERROR. */
  readonly status: number;
  /** Everything else of the event, as compact JSON; '' when there is nothing else. */
  readonly details: string;
}

export interface RunRow {
  readonly key: RunKey;
  readonly version: number;
  /** True = tombstone: the key was given up. Only `key` and `version` matter then. */
  readonly deleted: boolean;
  readonly service: string;
  readonly serviceVersion: string;
  readonly dialect: string;
  readonly state: RunState;
  readonly trigger: string;
  readonly groupId: string;
  readonly parentRunId: string;
  /** Trace of the run's root, raw 16 bytes as latin1. */
  readonly traceId: string;
  readonly enqueuedAt: Instant | null;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  /** Root end - root start in µs; null when the end was not measured (ABANDONED, synthetic ends). */
  readonly durationUs: number | null;
  /** Start - enqueue in µs; null when the enqueue time is unknown. */
  readonly queueUs: number | null;
  /** '' when there is none, `(run)` or `(timeout)` when no step can be named. */
  readonly failingStep: string;
  readonly errorType: string;
  readonly errorMessage: string;
  /** Distinct steps, steps with an execution that stayed failed, attempts of all executions. */
  readonly steps: number;
  readonly erroredSteps: number;
  readonly attempts: number;
  /** SUCCEEDED without an errored step. */
  readonly completed: boolean;
  /** SUCCEEDED and some failed attempt was followed by a successful one. */
  readonly recovered: boolean;
  readonly quality: readonly Quality[];
  /** The run's own spans: roots, markers, evidence. */
  readonly spans: readonly SpanRecord[];
}

/** One execution of one step. */
export interface StepRow {
  readonly key: RunKey;
  readonly step: string;
  /** 1.. by start among the executions of that step name in the run. */
  readonly execution: number;
  readonly version: number;
  readonly deleted: boolean;
  /** End of the run this execution belongs to: decides its pane. */
  readonly runEndedAt: Instant;
  readonly kind: string;
  readonly verb: string;
  readonly stepKey: string;
  readonly state: RunState;
  readonly attempts: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly durationUs: number | null;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly cached: boolean;
  /** Whether the run's failure is blamed on this execution. */
  readonly blamed: boolean;
  /** Trace and span of the last attempt, raw bytes as latin1. */
  readonly traceId: string;
  readonly spanId: string;
  /** The attempts in order. */
  readonly spans: readonly SpanRecord[];
}

/** A run that is known to be running. */
export interface InFlightRow {
  readonly key: RunKey;
  readonly version: number;
  readonly deleted: boolean;
  readonly service: string;
  readonly dialect: string;
  readonly state: RunState;
  readonly traceId: string;
  readonly startedAt: Instant;
  readonly lastSeenAt: Micros;
  readonly currentStep: string;
}

export type Resolution = '1m' | '1h';

/** Counts and digests of the runs of one process that ended in one minute or hour, as one writer saw them. */
export interface ProcessPaneRow {
  readonly resolution: Resolution;
  /** Start of the pane, seconds since the epoch. */
  readonly pane: number;
  readonly environment: string;
  readonly process: string;
  readonly version: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly abandoned: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly continued: number;
  readonly completed: number;
  readonly recovered: number;
  readonly late: number;
  readonly sampled: number;
  /** quantilesTDigest state bytes over durations in milliseconds. */
  readonly duration: Uint8Array;
  /** quantilesTDigest state bytes over queue latencies in milliseconds. */
  readonly queue: Uint8Array;
  readonly durationSumUs: number;
  readonly durationMaxUs: number;
}

/** The same for one step of one process; steps count in the pane of their run's end. */
export interface StepPaneRow {
  readonly resolution: Resolution;
  readonly pane: number;
  readonly environment: string;
  readonly process: string;
  readonly step: string;
  readonly version: number;
  readonly executions: number;
  /** Executions whose last attempt failed. */
  readonly errors: number;
  readonly attempts: number;
  /** Runs whose failure is blamed on this step. */
  readonly blamed: number;
  readonly duration: Uint8Array;
}

/** What one step of the processor writes; every list may be empty. */
export interface RowBatch {
  readonly runs: readonly RunRow[];
  readonly steps: readonly StepRow[];
  readonly inFlight: readonly InFlightRow[];
  readonly processPanes: readonly ProcessPaneRow[];
  readonly stepPanes: readonly StepPaneRow[];
}
