/**
 * What a receiver hands to the processor: the kept spans of one request.
 * Owns the shape only. Spans that no dialect matches never get this far.
 */

export interface SpanBatch {
  /**
   * The kept spans, re-framed as valid OTLP `TracesData` (opentelemetry.proto.trace.v1.TracesData, which is
   * wire-identical to ExportTraceServiceRequest), each under its own resource and scope.
   * A copy of its own: never a view of the request's buffer.
   */
  readonly tracesData: Uint8Array;
  /** Number of spans in `tracesData`; at least 1. */
  readonly spanCount: number;
}

/**
 * Which untagged local roots the processor wants to see at present (a local root: no parent, or a remote one).
 * An undecided `op=workflow` span is decided when its trace's local root has been seen; nobody looks otherwise.
 */
export interface RootWatch {
  /** False in the usual case: no span is undecided, nothing to look for. */
  active(): boolean;
  /** Whether a span of that trace is undecided; `traceId` = the 16 bytes as a latin1 string. */
  watches(traceId: string): boolean;
}
