/**
 * Sends a block until ClickHouse has confirmed it, or has said that it never will.
 * Owns the INSERT statements, the retries and what is counted about them.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { drainStream, type ClickHouseClient } from '@clickhouse/client';
import { tables, type Column, type TableName } from '../../schema/tables.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import { backoffMs } from './backoff.ts';
import type { RetrySettings } from './config.ts';
import { classifyFailure } from './failure.ts';
import type { Block } from './table-writer.ts';

export interface BlockSenderOptions {
  /** Resolves with the client once the tables are there; asked again before every try. */
  readonly client: () => Promise<ClickHouseClient>;
  readonly database: string;
  readonly retry: RetrySettings;
  readonly telemetry: Telemetry;
  /** Aborted when the exporter gives up at its end. */
  readonly signal: AbortSignal;
}

export class BlockSender {
  readonly #options: BlockSenderOptions;
  #failing: string | undefined;

  constructor(options: BlockSenderOptions) {
    this.#options = options;
  }

  /** Why the last try failed; undefined after a success. */
  failingReason(): string | undefined {
    return this.#failing;
  }

  /**
   * Never rejects. Resolves when the block is confirmed, or dropped and counted; with true when its bytes are free,
   * which is certain only when the first request was answered (a broken one may still hold them).
   */
  async send(block: Block): Promise<boolean> {
    const { telemetry, retry, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#insert(block);
        this.#confirm(block);
        return attempt === 1;
      } catch (error) {
        if (signal.aborted) return this.#drop(block, 'shutdown', 'the service ended before ClickHouse took the rows');
        const failure = classifyFailure(error);
        if (failure.permanent) return this.#drop(block, failure.reason, failure.message);
        // Warned about once; the readiness reason says it as long as it lasts.
        if (this.#failing === undefined)
          telemetry.warn('ClickHouse did not take a block, will retry', {
            table: block.table,
            reason: failure.message,
          });
        this.#failing = failure.message;
        telemetry.count('finishline_exporter_retries_total', 1, { reason: failure.reason });
      }
      await sleep(backoffMs(retry, attempt, Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  async #insert(block: Block): Promise<void> {
    const client = await this.#options.client();
    const result = await client.exec({
      query: insertStatement(this.#options.database, block.table),
      values: Readable.from([block.bytes], { objectMode: false }),
      abort_signal: this.#options.signal,
    });
    await drainStream(result.stream);
  }

  #confirm(block: Block): void {
    this.#failing = undefined;
    this.#options.telemetry.count('finishline_exporter_rows_total', block.rows, { table: block.table });
    this.#options.telemetry.count('finishline_exporter_blocks_total', 1, { table: block.table });
  }

  #drop(block: Block, reason: string, message: string): false {
    const { table, rows } = block;
    this.#options.telemetry.error('rows lost: ClickHouse will never take this block', { table, rows, reason, message });
    this.#options.telemetry.count('finishline_blocks_dropped_total', 1, { table, reason });
    this.#options.telemetry.count('finishline_rows_dropped_total', rows, { table, reason });
    return false;
  }
}

export function insertStatement(database: string, table: TableName): string {
  const columns: readonly Column[] = tables[table];
  const names = columns.filter((column) => column.filled !== true).map((column) => column.name);
  return `INSERT INTO ${database}.${table} (${names.join(', ')}) FORMAT RowBinary`;
}
