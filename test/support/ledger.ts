/**
 * What ClickHouse would hold of the rows: the latest version of each key, tombstones gone. The test's own replacing
 * merge, so that a missing tombstone or a version that does not grow shows as a wrong answer.
 */
import type { ProcessPaneRow, RowBatch, RunRow, StepPaneRow, StepRow } from '../../schema/rows.ts';

interface Versioned {
  readonly version: number;
  readonly deleted?: boolean;
}

export class Ledger {
  readonly #runs = new Map<string, RunRow>();
  readonly #steps = new Map<string, StepRow>();
  readonly #inFlight = new Map<string, RowBatch['inFlight'][number]>();
  readonly #processPanes = new Map<string, ProcessPaneRow>();
  readonly #stepPanes = new Map<string, StepPaneRow>();

  add(batch: RowBatch): void {
    for (const row of batch.runs) put(this.#runs, keyOf(row.key), row);
    for (const row of batch.steps) put(this.#steps, `${keyOf(row.key)}\0${row.step}\0${row.execution}`, row);
    for (const row of batch.inFlight) put(this.#inFlight, keyOf(row.key), row);
    for (const row of batch.processPanes) put(this.#processPanes, paneKey(row), row);
    for (const row of batch.stepPanes) put(this.#stepPanes, `${paneKey(row)}\0${row.step}`, row);
  }

  runs(): RunRow[] {
    return live(this.#runs);
  }

  steps(): StepRow[] {
    return live(this.#steps);
  }

  inFlight(): RowBatch['inFlight'][number][] {
    return live(this.#inFlight);
  }

  processPanes(): ProcessPaneRow[] {
    return live(this.#processPanes);
  }

  stepPanes(): StepPaneRow[] {
    return live(this.#stepPanes);
  }
}

/** Equal versions: which of them stands is not defined for a reader who merges later, so it counts as a mistake. */
function put<T extends Versioned>(rows: Map<string, T>, key: string, row: T): void {
  const known = rows.get(key);
  if (known !== undefined && known.version === row.version) {
    throw new Error(`version ${row.version} was written twice for ${JSON.stringify(key)}`);
  }
  if (known === undefined || known.version < row.version) rows.set(key, row);
}

function live<T extends Versioned>(rows: ReadonlyMap<string, T>): T[] {
  return [...rows.entries()]
    .filter(([, row]) => row.deleted !== true)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}

function keyOf(key: RunRow['key']): string {
  return `${key.openedDay}\0${key.environment}\0${key.process}\0${key.runId}`;
}

function paneKey(row: ProcessPaneRow | StepPaneRow): string {
  return `${row.resolution}\0${row.pane}\0${row.environment}\0${row.process}`;
}
