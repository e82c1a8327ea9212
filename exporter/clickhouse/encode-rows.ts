/**
 * Each row type in the column order of schema/tables.ts, as RowBinary.
 * Owns nothing but that order; a round trip through the engine checks it. LowCardinality is plain in RowBinary.
 */
import type { InFlightRow, ProcessPaneRow, RunRow, SpanRecord, StepPaneRow, StepRow } from '../../schema/rows.ts';
import type { RowSink } from './row-sink.ts';

/** State of a quantilesTDigest without values: zero centroids. */
const emptyDigest = Uint8Array.of(0);

export function encodeRun(sink: RowSink, row: RunRow, writer: string): void {
  sink.runKey(row.key);
  sink.uint64(row.version);
  sink.uint8(row.deleted ? 1 : 0);
  sink.string(writer);
  sink.string(row.service);
  sink.string(row.serviceVersion);
  sink.string(row.dialect);
  sink.string(row.state);
  sink.string(row.trigger);
  sink.string(row.groupId);
  sink.string(row.parentRunId);
  sink.traceHex(row.traceId);
  sink.nullableMillis(row.enqueuedAt);
  sink.millis(row.startedAt.us);
  sink.millis(row.endedAt.us);
  sink.nullableUint64(row.durationUs);
  sink.nullableUint64(row.queueUs);
  sink.string(row.failingStep);
  sink.string(row.errorType);
  sink.string(row.errorMessage);
  sink.uint32(row.steps);
  sink.uint32(row.erroredSteps);
  sink.uint32(row.attempts);
  sink.uint8(row.completed ? 1 : 0);
  sink.uint8(row.recovered ? 1 : 0);
  sink.varuint(row.quality.length);
  for (const mark of row.quality) sink.string(mark);
  encodeSpans(sink, row.spans);
}

export function encodeStep(sink: RowSink, row: StepRow, writer: string): void {
  sink.runKey(row.key);
  sink.string(row.step);
  sink.uint32(row.execution);
  sink.uint64(row.version);
  sink.uint8(row.deleted ? 1 : 0);
  sink.string(writer);
  sink.millis(row.runEndedAt.us);
  sink.string(row.kind);
  sink.string(row.verb);
  sink.string(row.stepKey);
  sink.string(row.state);
  sink.uint32(row.attempts);
  sink.millis(row.startedAt.us);
  sink.millis(row.endedAt.us);
  sink.nullableUint64(row.durationUs);
  sink.string(row.errorType);
  sink.string(row.errorMessage);
  sink.uint8(row.cached ? 1 : 0);
  sink.uint8(row.blamed ? 1 : 0);
  sink.traceHex(row.traceId);
  sink.hex(row.spanId);
  encodeSpans(sink, row.spans);
}

export function encodeInFlight(sink: RowSink, row: InFlightRow, writer: string): void {
  sink.runKey(row.key);
  sink.uint64(row.version);
  sink.uint8(row.deleted ? 1 : 0);
  sink.string(writer);
  sink.string(row.service);
  sink.string(row.dialect);
  sink.string(row.state);
  sink.traceHex(row.traceId);
  sink.millis(row.startedAt.us);
  sink.millis(row.lastSeenAt);
  sink.string(row.currentStep);
}

export function encodeProcessPane(sink: RowSink, row: ProcessPaneRow, writer: string): void {
  sink.string(row.resolution);
  sink.millis(row.pane * 1_000_000);
  sink.string(row.environment);
  sink.string(row.process);
  sink.string(writer);
  sink.uint64(row.version);
  sink.uint64(row.succeeded);
  sink.uint64(row.failed);
  sink.uint64(row.abandoned);
  sink.uint64(row.cancelled);
  sink.uint64(row.skipped);
  sink.uint64(row.continued);
  sink.uint64(row.completed);
  sink.uint64(row.recovered);
  sink.uint64(row.late);
  sink.uint64(row.sampled);
  encodeDigest(sink, row.duration);
  encodeDigest(sink, row.queue);
  sink.uint64(row.durationSumUs);
  sink.uint64(row.durationMaxUs);
}

export function encodeStepPane(sink: RowSink, row: StepPaneRow, writer: string): void {
  sink.string(row.resolution);
  sink.millis(row.pane * 1_000_000);
  sink.string(row.environment);
  sink.string(row.process);
  sink.string(row.step);
  sink.string(writer);
  sink.uint64(row.version);
  sink.uint64(row.executions);
  sink.uint64(row.errors);
  sink.uint64(row.attempts);
  sink.uint64(row.blamed);
  encodeDigest(sink, row.duration);
}

function encodeDigest(sink: RowSink, state: Uint8Array): void {
  sink.raw(state.length === 0 ? emptyDigest : state);
}

/** The parallel arrays span_trace_ids … span_details. */
function encodeSpans(sink: RowSink, spans: readonly SpanRecord[]): void {
  const count = spans.length;
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.fixed(spans[i]!.traceId, 16);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.fixed(spans[i]!.spanId, 8);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.fixed(spans[i]!.parentSpanId, 8);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.words(spans[i]!.hashHigh, spans[i]!.hashLow);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.nanos(spans[i]!.start);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.nanos(spans[i]!.end);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.uint8(spans[i]!.status);
  sink.varuint(count);
  for (let i = 0; i < count; i++) sink.string(spans[i]!.details);
}
