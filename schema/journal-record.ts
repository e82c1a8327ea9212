/**
 * The only input of the processor: accepted spans and the passing of time, in one order.
 * Owns the record's shape; framing and files belong to processor/journal.
 * Invariant: `at` never decreases along a journal.
 */

/** Microseconds since the Unix epoch, an integer below 2^53. */
export type Micros = number;

export interface SpansRecord {
  readonly kind: 'spans';
  readonly at: Micros;
  /** OTLP TracesData, as in {@link SpanBatch.tracesData}. */
  readonly tracesData: Uint8Array;
}

/** Nothing arrived; time passed. Journaled before a timer may act. */
export interface TickRecord {
  readonly kind: 'tick';
  readonly at: Micros;
}

export type JournalRecord = SpansRecord | TickRecord;
