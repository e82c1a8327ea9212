/**
 * One table's way to ClickHouse: rows are encoded at once into an open block; blocks are sent one after the other.
 * Owns the open block, the closed ones and their order. Invariant: at most one block of a table is on its way.
 *
 *   append -> [open block] --full--> [closed, closed, …] --one at a time--> send -> confirmed
 *                 '------- old, and nothing else to send -----------^
 *
 * While a block is on its way the open one keeps growing, so a slow server gets fewer and larger blocks.
 */
import type { TableName } from '../../schema/tables.ts';
import type { BlockSettings } from './config.ts';
import type { QueueBudget } from './queue-budget.ts';
import { RowSink } from './row-sink.ts';

export interface Block {
  readonly table: TableName;
  /** RowBinary. */
  readonly bytes: Buffer;
  readonly rows: number;
}

/** A block over 100 partitions is refused by ClickHouse (code 252). */
const maxPartitions = 50;

export interface TableWriterOptions<Row> {
  readonly table: TableName;
  readonly encode: (sink: RowSink, row: Row, writer: string) => void;
  /** Partition of a row, any number that identifies it; absent for a table without partitions. */
  readonly partitionOf?: (row: Row) => number;
  readonly writer: string;
  readonly limits: BlockSettings;
  readonly budget: QueueBudget;
  /**
   * Resolves when the block needs no more attention: confirmed, or dropped and counted. Never rejects.
   * True = nobody reads its bytes any more, they may be written over.
   */
  readonly send: (block: Block) => Promise<boolean>;
}

export class TableWriter<Row> {
  readonly #options: TableWriterOptions<Row>;
  readonly #sink = new RowSink();
  readonly #partitions = new Set<number>();
  #rows = 0;
  /** The open block has reached its age. */
  #due = false;
  #timer: NodeJS.Timeout | undefined;
  #closed: Block[] = [];
  #sending = false;
  #appended = 0;
  #settled = 0;
  #flushes: { readonly target: number; readonly resolve: () => void }[] = [];

  constructor(options: TableWriterOptions<Row>) {
    this.#options = options;
  }

  append(rows: readonly Row[]): void {
    const { encode, partitionOf, writer, limits, budget } = this.#options;
    for (const row of rows) {
      if (partitionOf !== undefined) this.#enterPartition(partitionOf(row));
      const before = this.#sink.length;
      try {
        encode(this.#sink, row, writer);
      } catch (error) {
        this.#sink.forget();
        throw error;
      }
      budget.add(this.#sink.length - before, 1);
      this.#appended++;
      if (this.#rows++ === 0) this.#startTimer();
      if (this.#rows >= limits.maxRows || this.#sink.length >= limits.maxBytes) this.#close();
    }
  }

  /** Resolves when every row appended so far is settled. */
  flush(): Promise<void> {
    const target = this.#appended;
    if (this.#settled >= target) return Promise.resolve();
    this.#close();
    return new Promise((resolve) => {
      this.#flushes.push({ target, resolve });
    });
  }

  #enterPartition(partition: number): void {
    if (this.#partitions.has(partition)) return;
    if (this.#partitions.size >= maxPartitions) this.#close();
    this.#partitions.add(partition);
  }

  #startTimer(): void {
    this.#timer = setTimeout(() => {
      this.#due = true;
      void this.#pump();
    }, this.#options.limits.maxAgeMs);
  }

  #close(): void {
    if (this.#rows === 0) return;
    this.#closed.push(this.#takeOpen());
    void this.#pump();
  }

  #takeOpen(): Block {
    clearTimeout(this.#timer);
    const block = { table: this.#options.table, bytes: this.#sink.take(), rows: this.#rows };
    this.#rows = 0;
    this.#due = false;
    this.#partitions.clear();
    return block;
  }

  async #pump(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (let block = this.#next(); block !== undefined; block = this.#next()) {
      if (await this.#options.send(block)) this.#sink.recycle(block.bytes);
      this.#options.budget.release(block.bytes.length, block.rows);
      this.#settle(block.rows);
    }
    this.#sending = false;
  }

  #next(): Block | undefined {
    const closed = this.#closed.shift();
    if (closed !== undefined) return closed;
    return this.#due && this.#rows > 0 ? this.#takeOpen() : undefined;
  }

  #settle(rows: number): void {
    this.#settled += rows;
    const done = this.#flushes.filter(({ target }) => target <= this.#settled);
    if (done.length === 0) return;
    this.#flushes = this.#flushes.filter(({ target }) => target > this.#settled);
    for (const { resolve } of done) resolve();
  }
}
