/**
 * Supervises the embedded ClickHouse engine: starts its process, starts it again when it ends, ends it in order.
 * Owns the process, its address and the writer's password (in memory only, new at every start of the service).
 * Invariant: when `start` has rejected or `stop` has resolved, no process is left.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Telemetry } from '../../../schema/telemetry.ts';
import { formatAddress, type EngineSettings, type ListenAddress } from '../config.ts';
import { holdingStatement, writeEngineFiles, writerName } from './engine-files.ts';
import { EngineProcess, type EngineExit } from './engine-process.ts';
import { currentPlatform, engineLibraryPath, EngineUnavailableError } from './platform.ts';
import { claimPort } from './port.ts';

/** A cold start reads a library of half a gigabyte from the disk. */
const startTimeoutMs = 120_000;
/** Open connections of others can hold up an orderly stop; ending the process is as safe. */
const stopTimeoutMs = 1_500;
const pollMs = 25;
const firstRestartMs = 100;
const longestRestartMs = 5_000;

export interface EngineOptions {
  /** `<storage>/clickhouse`. */
  readonly directory: string;
  readonly listen: ListenAddress;
  readonly database: string;
  readonly settings: EngineSettings;
  readonly telemetry: Telemetry;
  /** The writer's password; a random one when absent. */
  readonly writerPassword?: string;
}

export class EmbeddedEngine {
  readonly #options: EngineOptions;
  readonly writerPassword: string;
  #address: ListenAddress;
  #library = '';
  #generation = 0;
  #process: EngineProcess | undefined;
  #downReason: string | undefined = 'the embedded ClickHouse engine has not been started';
  #stopping = false;
  readonly #stopped = new AbortController();
  #supervision: Promise<void> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.writerPassword = options.writerPassword ?? randomBytes(32).toString('hex');
    this.#address = options.listen;
  }

  /** Where it listens; the real port once `start` has resolved. */
  get address(): ListenAddress {
    return this.#address;
  }

  /** Counts the processes started; a new one has to prove itself again. */
  get generation(): number {
    return this.#generation;
  }

  get pid(): number | undefined {
    return this.#process?.exit === undefined ? this.#process?.pid : undefined;
  }

  /** Why it does not answer; undefined while it does. */
  downReason(): string | undefined {
    return this.#downReason;
  }

  /** Throws {@link EngineUnavailableError}; nothing is left running then. */
  async start(): Promise<void> {
    this.#library = engineLibraryPath(currentPlatform());
    try {
      mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new EngineUnavailableError(
        `cannot write the storage directory ${this.#options.directory}: ${String(error)}`,
        { cause: error },
      );
    }
    this.#address = await claimPort(this.#options.listen);
    const engine = await this.#launch();
    this.#supervision = this.#supervise(engine);
  }

  /** Ends the process, so that the supervision starts a new one: for an engine that no longer answers. */
  async restart(reason: string): Promise<void> {
    this.#options.telemetry.warn('ending the embedded ClickHouse engine to start it again', { reason });
    await this.#process?.kill();
  }

  /** In order: the holding statement is killed and the engine shuts down; by SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#downReason = 'the embedded ClickHouse engine has been stopped';
    this.#stopped.abort();
    const engine = this.#process;
    if (engine !== undefined && engine.exit === undefined) {
      const asked = await this.#ask(
        `KILL QUERY WHERE user = '' AND query LIKE '${holdingStatement.slice(0, 20)}%' ASYNC`,
      ).then(
        () => true,
        () => false,
      );
      if (asked) await Promise.race([engine.exited, sleep(stopTimeoutMs, undefined, { ref: false })]);
      await engine.kill();
    }
    await this.#supervision;
  }

  async #launch(): Promise<EngineProcess> {
    const { directory, database, settings } = this.#options;
    const argv = writeEngineFiles({
      directory,
      database,
      settings,
      address: this.#address,
      writerPassword: this.writerPassword,
    });
    const engine = new EngineProcess(this.#library, argv, directory);
    this.#process = engine;
    this.#generation++;
    const deadline = performance.now() + startTimeoutMs;
    while (engine.exit === undefined && performance.now() < deadline) {
      if (await this.#answers()) {
        this.#downReason = undefined;
        return engine;
      }
      await Promise.race([engine.exited, sleep(pollMs)]);
    }
    const exit = engine.exit;
    await engine.kill();
    throw new EngineUnavailableError(
      exit === undefined
        ? `the embedded ClickHouse engine did not answer within ${startTimeoutMs / 1000} s`
        : this.#explain(exit),
    );
  }

  async #supervise(first: EngineProcess): Promise<void> {
    let engine = first;
    while (!this.#stopping) {
      const exit = await engine.exited;
      if (this.#stopping) return;
      this.#downReason = `the embedded ClickHouse engine ended (${exit.signal ?? `code ${exit.code}`}) and is being started again`;
      this.#options.telemetry.warn('the embedded ClickHouse engine ended', {
        code: exit.code,
        signal: exit.signal,
        stderr: exit.stderr,
      });
      const next = await this.#relaunch();
      if (next === undefined) return;
      engine = next;
    }
  }

  /** Tries until it is up again; undefined when it is to be stopped meanwhile. */
  async #relaunch(): Promise<EngineProcess | undefined> {
    let waitMs = firstRestartMs;
    while (!this.#stopping) {
      this.#options.telemetry.count('finishline_engine_restarts_total', 1);
      try {
        return await this.#launch();
      } catch (error) {
        this.#downReason = (error as Error).message;
        this.#options.telemetry.error('the embedded ClickHouse engine cannot be started again, will retry', {
          reason: this.#downReason,
          waitMs,
        });
      }
      await sleep(waitMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, longestRestartMs);
    }
    return undefined;
  }

  /** Whether it is *our* engine that answers: nobody else knows the password. */
  async #answers(): Promise<boolean> {
    const marker = randomBytes(8).toString('hex');
    return this.#ask(`SELECT '${marker}'`).then(
      (text) => text.trim() === marker,
      () => false,
    );
  }

  async #ask(sql: string): Promise<string> {
    const response = await fetch(`http://${formatAddress(this.#address)}/`, {
      method: 'POST',
      body: sql,
      headers: { 'X-ClickHouse-User': writerName, 'X-ClickHouse-Key': this.writerPassword, connection: 'close' },
      signal: AbortSignal.timeout(5_000),
    });
    return response.text();
  }

  #explain(exit: EngineExit): string {
    const code = /Code: (\d+)/.exec(exit.stderr)?.[1];
    if (code === '210') {
      return `port taken: another program listens on ${formatAddress(this.#address)}; stop it or change exporters.clickhouse.listen`;
    }
    if (code === '76') {
      return `storage directory taken: another process has the ClickHouse data in ${this.#options.directory} open; stop it or change service.storage.directory`;
    }
    const end = exit.signal === null ? `code ${exit.code}` : exit.signal;
    return `the embedded ClickHouse engine ended at its start (${end}): ${exit.stderr.trim().slice(0, 1_000) || 'it said nothing'}`;
  }
}
