/** The table writers of all five tables, as one. Owns which list of a batch goes to which table, and how its rows are encoded. */
import type { InFlightRow, ProcessPaneRow, RowBatch, RunRow, StepPaneRow, StepRow } from '../../schema/rows.ts';
import { encodeInFlight, encodeProcessPane, encodeRun, encodeStep, encodeStepPane } from './encode-rows.ts';
import { TableWriter, type TableWriterOptions } from './table-writer.ts';

type Shared = Pick<TableWriterOptions<never>, 'writer' | 'limits' | 'budget' | 'send'>;

export class TableWriters {
  readonly #runs: TableWriter<RunRow>;
  readonly #steps: TableWriter<StepRow>;
  readonly #inFlight: TableWriter<InFlightRow>;
  readonly #processPanes: TableWriter<ProcessPaneRow>;
  readonly #stepPanes: TableWriter<StepPaneRow>;

  constructor(shared: Shared) {
    this.#runs = new TableWriter({ ...shared, table: 'runs_data', encode: encodeRun });
    this.#steps = new TableWriter({ ...shared, table: 'steps_data', encode: encodeStep });
    this.#inFlight = new TableWriter({ ...shared, table: 'in_flight_data', encode: encodeInFlight });
    this.#processPanes = new TableWriter({
      ...shared,
      table: 'process_panes_data',
      encode: encodeProcessPane,
      partitionOf: panePartition,
    });
    this.#stepPanes = new TableWriter({
      ...shared,
      table: 'step_panes_data',
      encode: encodeStepPane,
      partitionOf: panePartition,
    });
  }

  append(batch: RowBatch): void {
    this.#runs.append(batch.runs);
    this.#steps.append(batch.steps);
    this.#inFlight.append(batch.inFlight);
    this.#processPanes.append(batch.processPanes);
    this.#stepPanes.append(batch.stepPanes);
  }

  async flush(): Promise<void> {
    await Promise.all([
      this.#runs.flush(),
      this.#steps.flush(),
      this.#inFlight.flush(),
      this.#processPanes.flush(),
      this.#stepPanes.flush(),
    ]);
  }
}

/** PARTITION BY (resolution, toYYYYMM(pane)) as one number. */
function panePartition(row: ProcessPaneRow | StepPaneRow): number {
  const start = new Date(row.pane * 1_000);
  const month = start.getUTCFullYear() * 12 + start.getUTCMonth();
  return row.resolution === '1m' ? month * 2 : month * 2 + 1;
}
