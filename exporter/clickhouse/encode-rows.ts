/**
 * Each row type in the column order of schema/tables.ts, as RowBinary.
 * Owns nothing but that order; a round trip through the engine checks it. LowCardinality is plain in RowBinary.
 */
import type { InFlightRow, ProcessPaneRow, RunRow, StepPaneRow, StepRow } from '../../schema/rows.ts';
import { RepeatedColumn, type RowSink } from './row-sink.ts';

/** State of a quantilesTDigest without values: zero centroids. */
const emptyDigest = Uint8Array.of(0);

export function encodeRun(sink: RowSink, row: RunRow, writer: string): void {
  let at = sink.begin();
  at = sink.runKey(at, row.key);
  at = sink.version(at, row);
  at = sink.repeated(at, RepeatedColumn.WRITER, writer);
  at = sink.repeated(at, RepeatedColumn.SERVICE, row.service);
  at = sink.repeated(at, RepeatedColumn.SERVICE_VERSION, row.serviceVersion);
  at = sink.repeated(at, RepeatedColumn.DIALECT, row.dialect);
  at = sink.repeated(at, RepeatedColumn.STATE, row.state);
  at = sink.string(at, row.trigger);
  at = sink.string(at, row.groupId);
  at = sink.string(at, row.parentRunId);
  at = sink.traceHex(at, row.traceId);
  at = sink.nullableMillis(at, row.enqueuedAt);
  at = sink.instant(at, row.startedAt);
  at = sink.instant(at, row.endedAt);
  at = sink.nullableUint64(at, row.durationUs);
  at = sink.nullableUint64(at, row.queueUs);
  at = sink.string(at, row.failingStep);
  at = sink.string(at, row.errorType);
  at = sink.string(at, row.errorMessage);
  at = sink.uint32(at, row.steps);
  at = sink.uint32(at, row.erroredSteps);
  at = sink.uint32(at, row.attempts);
  at = sink.uint8(at, row.completed ? 1 : 0);
  at = sink.uint8(at, row.recovered ? 1 : 0);
  at = sink.varuint(at, row.quality.length);
  for (const mark of row.quality) at = sink.string(at, mark);
  at = sink.spans(at, row.spans);
  sink.end(at);
}

export function encodeStep(sink: RowSink, row: StepRow, writer: string): void {
  let at = sink.begin();
  at = sink.runKey(at, row.key);
  at = sink.string(at, row.step);
  at = sink.uint32(at, row.execution);
  at = sink.version(at, row);
  at = sink.repeated(at, RepeatedColumn.WRITER, writer);
  at = sink.instant(at, row.runEndedAt);
  at = sink.repeated(at, RepeatedColumn.KIND, row.kind);
  at = sink.string(at, row.verb);
  at = sink.string(at, row.stepKey);
  at = sink.repeated(at, RepeatedColumn.STATE, row.state);
  at = sink.uint32(at, row.attempts);
  at = sink.instant(at, row.startedAt);
  at = sink.instant(at, row.endedAt);
  at = sink.nullableUint64(at, row.durationUs);
  at = sink.string(at, row.errorType);
  at = sink.string(at, row.errorMessage);
  at = sink.uint8(at, row.cached ? 1 : 0);
  at = sink.uint8(at, row.blamed ? 1 : 0);
  at = sink.traceHex(at, row.traceId);
  at = sink.spanHex(at, row.spanId);
  at = sink.spans(at, row.spans);
  sink.end(at);
}

export function encodeInFlight(sink: RowSink, row: InFlightRow, writer: string): void {
  let at = sink.begin();
  at = sink.runKey(at, row.key);
  at = sink.version(at, row);
  at = sink.repeated(at, RepeatedColumn.WRITER, writer);
  at = sink.repeated(at, RepeatedColumn.SERVICE, row.service);
  at = sink.repeated(at, RepeatedColumn.DIALECT, row.dialect);
  at = sink.repeated(at, RepeatedColumn.STATE, row.state);
  at = sink.traceHex(at, row.traceId);
  at = sink.instant(at, row.startedAt);
  at = sink.millis(at, row.lastSeenAt);
  at = sink.string(at, row.currentStep);
  sink.end(at);
}

export function encodeProcessPane(sink: RowSink, row: ProcessPaneRow, writer: string): void {
  let at = sink.begin();
  at = sink.string(at, row.resolution);
  at = sink.millis(at, row.pane * 1_000_000);
  at = sink.string(at, row.environment);
  at = sink.string(at, row.process);
  at = sink.repeated(at, RepeatedColumn.WRITER, writer);
  at = sink.uint64(at, row.version);
  at = sink.uint64(at, row.succeeded);
  at = sink.uint64(at, row.failed);
  at = sink.uint64(at, row.abandoned);
  at = sink.uint64(at, row.cancelled);
  at = sink.uint64(at, row.skipped);
  at = sink.uint64(at, row.continued);
  at = sink.uint64(at, row.completed);
  at = sink.uint64(at, row.recovered);
  at = sink.uint64(at, row.late);
  at = sink.uint64(at, row.sampled);
  at = encodeDigest(sink, at, row.duration);
  at = encodeDigest(sink, at, row.queue);
  at = sink.uint64(at, row.durationSumUs);
  at = sink.uint64(at, row.durationMaxUs);
  sink.end(at);
}

export function encodeStepPane(sink: RowSink, row: StepPaneRow, writer: string): void {
  let at = sink.begin();
  at = sink.string(at, row.resolution);
  at = sink.millis(at, row.pane * 1_000_000);
  at = sink.string(at, row.environment);
  at = sink.string(at, row.process);
  at = sink.string(at, row.step);
  at = sink.repeated(at, RepeatedColumn.WRITER, writer);
  at = sink.uint64(at, row.version);
  at = sink.uint64(at, row.executions);
  at = sink.uint64(at, row.errors);
  at = sink.uint64(at, row.attempts);
  at = sink.uint64(at, row.blamed);
  at = encodeDigest(sink, at, row.duration);
  sink.end(at);
}

function encodeDigest(sink: RowSink, at: number, state: Uint8Array): number {
  return sink.raw(at, state.length === 0 ? emptyDigest : state);
}
