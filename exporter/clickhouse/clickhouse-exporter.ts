/**
 * The door of the ClickHouse exporter: takes batches of rows, stores them in the embedded engine or a server.
 * Owns the engine, the clients, the table writers and the connection's life; each has its own file.
 * Invariant: rows that were consumed are confirmed by ClickHouse, still queued, or counted as dropped.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Consumer, Readiness, Stage } from '../../schema/contract.ts';
import type { RowBatch } from '../../schema/rows.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import { backoffMs } from './backoff.ts';
import { BlockSender } from './block-sender.ts';
import { createReaderClient, createWriterClient } from './clients.ts';
import { checkConfig, formatAddress, parseListen, type ClickHouseExporterConfig } from './config.ts';
import { writerName } from './embedded/engine-files.ts';
import { EmbeddedEngine } from './embedded/engine.ts';
import { classifyFailure } from './failure.ts';
import { migrate, SchemaChangedError, SchemaTooNewError } from './migrate.ts';
import { QueueBudget } from './queue-budget.ts';
import { ReadinessProbe } from './readiness-probe.ts';
import { TableWriters } from './table-writers.ts';

/** How long disposal waits for the last blocks. */
const drainTimeoutMs = 5_000;
const probeTimeoutMs = 5_000;
/** How soon a change is noticed; while all is well only every so many ticks ask ClickHouse. */
const tickMs = 100;
const ticksPerProbe = 10;
/** An engine whose process lives but whose door has not answered for that many probes is started again. */
const unansweredProbes = 4;

export interface ClickHouseExporterDependencies {
  /** Stable random id of the storage directory; stored with every row. */
  readonly writer: string;
  readonly storageDirectory: string;
  readonly telemetry: Telemetry;
}

export class ClickHouseExporter implements Stage, Consumer<RowBatch>, Readiness {
  readonly #config: ClickHouseExporterConfig;
  readonly #deps: ClickHouseExporterDependencies;
  readonly #engine: EmbeddedEngine | undefined;
  readonly #budget: QueueBudget;
  readonly #writers: TableWriters;
  readonly #sender: BlockSender;
  readonly #prepared = Promise.withResolvers<ClickHouseClient>();
  readonly #ending = new AbortController();
  readonly #givingUp = new AbortController();
  #writerClient: ClickHouseClient | undefined;
  #readerClient: ClickHouseClient | undefined;
  #probe: ReadinessProbe | undefined;
  #notPrepared: string | undefined = 'the ClickHouse exporter has not been started';
  #background: Promise<void>[] = [];
  #disposal: Promise<void> | undefined;

  /** Throws {@link ExporterConfigError}. */
  constructor(config: ClickHouseExporterConfig, deps: ClickHouseExporterDependencies) {
    checkConfig(config);
    this.#config = config;
    this.#deps = deps;
    const { database, retryOnFailure: retry } = config;
    if (config.endpoint === 'embedded') {
      this.#engine = new EmbeddedEngine({
        directory: join(deps.storageDirectory, 'clickhouse'),
        listen: parseListen(config.listen),
        database,
        settings: config.engine,
        telemetry: deps.telemetry,
      });
    }
    this.#budget = new QueueBudget(config.sendingQueue);
    this.#prepared.promise.catch(() => undefined);
    this.#sender = new BlockSender({
      client: () => this.#prepared.promise,
      database,
      retry,
      telemetry: deps.telemetry,
      signal: this.#givingUp.signal,
    });
    this.#writers = new TableWriters({
      writer: deps.writer,
      limits: config.block,
      budget: this.#budget,
      send: (block) => this.#sender.send(block),
    });
  }

  /**
   * Embedded: resolves when the engine is up and its schema is the newest; throws `EngineUnavailableError`.
   * A server: resolves even when it cannot be reached yet (see `notReadyReason`).
   * Both: throws {@link SchemaTooNewError} and {@link SchemaChangedError}. Nothing is left running when it throws.
   */
  async start(): Promise<void> {
    if (this.#writerClient !== undefined) return;
    try {
      await this.#engine?.start();
      this.#connect();
      await this.#prepareOnce();
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
    this.#background.push(this.#watch());
  }

  /** Encodes at once; resolves when there is room for more. Rejects only for a row that cannot be encoded. */
  async consume(batch: RowBatch): Promise<void> {
    this.#writers.append(batch);
    if (!this.#budget.hasRoom()) await this.#budget.room();
  }

  /** Resolves when everything consumed so far is confirmed, or dropped and counted. */
  flush(): Promise<void> {
    return this.#writers.flush();
  }

  notReadyReason(): string | undefined {
    return (
      this.#engine?.downReason() ??
      this.#notPrepared ??
      this.#sender.failingReason() ??
      this.#probe?.reason(this.#generation)
    );
  }

  /** host:port at which SQL is answered; the real port once `start` has resolved. */
  get sqlAddress(): string {
    return this.#engine === undefined ? new URL(this.#config.endpoint).host : formatAddress(this.#engine.address);
  }

  /** URL of the same. */
  get sqlUrl(): string {
    return this.#engine === undefined ? this.#config.endpoint : `http://${this.sqlAddress}`;
  }

  /** A client that reads as everybody does. Throws before `start`. */
  get reader(): ClickHouseClient {
    if (this.#readerClient === undefined) throw new Error('the ClickHouse exporter has not been started');
    return this.#readerClient;
  }

  /** Process id of the embedded engine, while it runs. */
  get enginePid(): number | undefined {
    return this.#engine?.pid;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  get #generation(): number {
    return this.#engine?.generation ?? 0;
  }

  #connect(): void {
    const credentials =
      this.#engine === undefined ? this.#config : { username: writerName, password: this.#engine.writerPassword };
    this.#writerClient = createWriterClient(this.#config, this.sqlUrl, {
      username: credentials.username,
      password: credentials.password,
    });
    this.#readerClient = createReaderClient(this.#config, this.sqlUrl);
    this.#probe = new ReadinessProbe({
      writerClient: this.#writerClient,
      readerClient: this.#readerClient,
      database: this.#config.database,
      writer: this.#deps.writer,
      timeoutMs: probeTimeoutMs,
    });
  }

  /** The first try; a server that cannot be used yet is tried again in the background. */
  async #prepareOnce(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      if (this.#engine !== undefined || isFatal(error)) throw error;
      this.#notPrepared = `ClickHouse at ${this.sqlAddress} cannot be used yet: ${classifyFailure(error).message}`;
      this.#deps.telemetry.warn('ClickHouse cannot be used yet, will retry', { reason: this.#notPrepared });
      this.#background.push(this.#prepareLater());
    }
  }

  async #prepare(): Promise<void> {
    const client = this.#writerClient!;
    const { database, cluster, ttl } = this.#config;
    const applied = await migrate(client, { database, cluster, ttl, embedded: this.#engine !== undefined });
    if (applied.length > 0) this.#deps.telemetry.info('schema brought up to date', { database, applied });
    this.#notPrepared = undefined;
    this.#prepared.resolve(client);
    await this.#probe!.check(this.#generation, nowUs());
  }

  async #prepareLater(): Promise<void> {
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted && this.#notPrepared !== undefined; attempt++) {
      await sleep(backoffMs(this.#config.retryOnFailure, attempt, Math.random()), undefined, { signal }).catch(
        () => undefined,
      );
      if (signal.aborted) return;
      try {
        await this.#prepare();
        this.#deps.telemetry.info('ClickHouse can be used now', { address: this.sqlAddress });
      } catch (error) {
        const reason = `ClickHouse at ${this.sqlAddress} cannot be used yet: ${isFatal(error) ? error.message : classifyFailure(error).message}`;
        if (reason !== this.#notPrepared)
          this.#deps.telemetry.warn('ClickHouse cannot be used yet, will retry', { reason });
        this.#notPrepared = reason;
      }
    }
  }

  /** Keeps the readiness answer fresh, reports the queue, and restarts an engine that lives but does not answer. */
  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    const { telemetry } = this.#deps;
    for (let ticks = 1; !signal.aborted; ticks++) {
      telemetry.gauge('otelcol_exporter_queue_size', this.#budget.rows, { exporter: 'clickhouse' });
      telemetry.gauge('otelcol_exporter_queue_capacity', this.#config.sendingQueue.maxRows, { exporter: 'clickhouse' });
      await sleep(tickMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.#notPrepared !== undefined || this.#engine?.downReason() !== undefined) continue;
      if (this.notReadyReason() === undefined && ticks % ticksPerProbe !== 0) continue;
      const probe = this.#probe!;
      await probe.check(this.#generation, nowUs());
      if (this.#engine === undefined || probe.unanswered < unansweredProbes) continue;
      await this.#engine.restart(probe.reason(this.#generation) ?? '');
    }
  }

  async #dispose(): Promise<void> {
    if (this.#writerClient !== undefined) {
      await Promise.race([this.#writers.flush(), sleep(drainTimeoutMs, undefined, { ref: false })]);
    }
    this.#ending.abort();
    this.#givingUp.abort();
    this.#prepared.reject(new Error('the ClickHouse exporter has ended'));
    // What is left fails at once now and is counted as dropped.
    await this.#writers.flush();
    await Promise.all(this.#background);
    await Promise.all([this.#writerClient?.close(), this.#readerClient?.close()]);
    await this.#engine?.stop();
  }
}

function isFatal(error: unknown): error is SchemaTooNewError | SchemaChangedError {
  return error instanceof SchemaTooNewError || error instanceof SchemaChangedError;
}

/** Versions of the marker only have to grow; this is the one place where the exporter asks the clock. */
function nowUs(): number {
  return Date.now() * 1_000;
}
