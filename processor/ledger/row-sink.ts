/** Collects the rows that one step of the processor writes. Owns the lists; handed to the exporter as one batch. */
import type { InFlightRow, ProcessPaneRow, RowBatch, RunRow, StepPaneRow, StepRow } from '../../schema/rows.ts';

export class RowSink implements RowBatch {
  readonly runs: RunRow[] = [];
  readonly steps: StepRow[] = [];
  readonly inFlight: InFlightRow[] = [];
  readonly processPanes: ProcessPaneRow[] = [];
  readonly stepPanes: StepPaneRow[] = [];
}
