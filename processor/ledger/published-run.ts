/**
 * What must be remembered of a run that has rows: its key for ever, the last version, and where it stands in the panes.
 * Owns the shape only. The next journal checkpoint carries it; the ledger itself can rebuild it.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { RunKey } from '../../schema/rows.ts';
import type { TerminalState } from '../../schema/state.ts';

export interface PublishedRun {
  readonly key: RunKey;
  /** Version of the last rows written. */
  version: number;
  /** Journal time of the first rows: a span received later is late. */
  readonly closedAt: Micros;
  /** Says whether what is derived now differs from what was written. */
  fingerprint: number;
  /** The step rows that stand, as (step, execution). */
  steps: readonly StepKey[];
  /** The end and the state that its contribution stands under in the panes. */
  endedAt: Micros;
  state: TerminalState;
}

export interface StepKey {
  readonly step: string;
  readonly execution: number;
}
