/**
 * Proves that what the writer writes can be read at the public SQL door: a random marker, written by the one client,
 * read back by the other. Owns the marker's row (one per writer, replaced) and the last answer.
 */
import { randomBytes } from 'node:crypto';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { classifyFailure } from './failure.ts';

export interface ReadinessProbeOptions {
  readonly writerClient: ClickHouseClient;
  readonly readerClient: ClickHouseClient;
  readonly database: string;
  readonly writer: string;
  readonly timeoutMs: number;
}

export class ReadinessProbe {
  readonly #options: ReadinessProbeOptions;
  #marker = '';
  #generation = -1;
  #reason: string | undefined = 'the SQL door has not been tried yet';
  #unanswered = 0;

  constructor(options: ReadinessProbeOptions) {
    this.#options = options;
  }

  /** Why it is not ready for this generation of the engine (a restart makes a new one); undefined when it is. */
  reason(generation: number): string | undefined {
    return (
      this.#reason ??
      (generation === this.#generation
        ? undefined
        : 'the SQL door has not been tried since the engine was started again')
    );
  }

  /** How many checks in a row got no answer at all; an answer that is an error is an answer. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Writes a new marker for a new generation, reads it back. Never rejects. */
  async check(generation: number, nowUs: number): Promise<void> {
    try {
      if (generation !== this.#generation || this.#reason !== undefined) await this.#write(nowUs);
      this.#reason = (await this.#read()) === this.#marker ? undefined : 'the SQL door does not show what was written';
      this.#generation = generation;
      this.#unanswered = 0;
    } catch (error) {
      this.#reason = `ClickHouse does not answer as it should: ${classifyFailure(error).message}`;
      this.#unanswered = error instanceof ClickHouseError ? 0 : this.#unanswered + 1;
    }
  }

  async #write(nowUs: number): Promise<void> {
    const { writerClient, database, writer, timeoutMs } = this.#options;
    const marker = randomBytes(16).toString('hex');
    await writerClient.command({
      query: `INSERT INTO ${database}.readiness_data (writer, marker, version) VALUES ({writer:String}, {marker:String}, {version:UInt64})`,
      query_params: { writer, marker, version: nowUs },
      abort_signal: AbortSignal.timeout(timeoutMs),
    });
    this.#marker = marker;
  }

  async #read(): Promise<string | undefined> {
    const { readerClient, database, writer, timeoutMs } = this.#options;
    const result = await readerClient.query({
      query: `SELECT marker FROM ${database}.readiness_data FINAL WHERE writer = {writer:String}`,
      query_params: { writer },
      format: 'JSONEachRow',
      abort_signal: AbortSignal.timeout(timeoutMs),
    });
    return (await result.json<{ marker: string }>())[0]?.marker;
  }
}
