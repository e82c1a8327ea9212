/** What the processor may be told, with its defaults. Durations in µs of journaled time. Owns no parsing. */
import type { Micros } from '../schema/journal-record.ts';

export interface ProcessorConfig {
  /** A run whose root is terminal closes this long after the root's receipt, so that stragglers arrive. */
  readonly settle: Micros;
  /** An undecided span is a run at the latest this long after its receipt. */
  readonly undecidedWait: Micros;
  /** A run known to be running is ABANDONED after so long without a sign. */
  readonly runTimeout: Micros;
  /** The same for a SUSPENDED run. */
  readonly suspendedTimeout: Micros;
  /** A row in `in_flight_data` appears once a run is open this long, and changes at most so often. */
  readonly inFlightInterval: Micros;
  /** How long a closed run stays in memory for late spans. */
  readonly closedRetention: Micros;
  /** At most so many spans of closed runs stay in memory; the oldest leave first. */
  readonly maxClosedSpans: number;
  /** Open traces held at once; beyond it the one longest without a sign is dropped and counted. */
  readonly maxOpenRuns: number;
  /** Spans of one run beyond which only its root and failures are kept (flag `truncated`). */
  readonly maxSpansPerRun: number;
  /** Untagged ERROR spans: per trace (latest starts), and in all. */
  readonly maxEvidencePerTrace: number;
  readonly maxEvidence: number;
  /** How long panes stay amendable in memory after their end. */
  readonly lateWindow: Micros;
}

const second = 1_000_000;
const hour = 3600 * second;

export const defaultProcessorConfig: ProcessorConfig = {
  settle: 2 * second,
  undecidedWait: 30 * second,
  runTimeout: 24 * hour,
  suspendedTimeout: 30 * 24 * hour,
  inFlightInterval: 10 * second,
  closedRetention: 900 * second,
  maxClosedSpans: 500_000,
  maxOpenRuns: 1_000_000,
  maxSpansPerRun: 10_000,
  maxEvidencePerTrace: 16,
  maxEvidence: 200_000,
  lateWindow: 24 * hour,
};
