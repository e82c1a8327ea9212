/**
 * A real Finishline process: started on free ports over a directory of its own, waited for, ended in order.
 * Owns the process, its output and its directory. Imports nothing of the service: every address is read from the five
 * lines that it prints. What is asked of it is up to those who extend it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

export const repository = join(import.meta.dirname, '..');
export const mainFile = join(repository, 'service/main.ts');

const untilLimitMs = 90_000;
const stopLimitMs = 60_000;
/** A service that logs without end does not fill the memory of the one that watches it. */
const keptLogChars = 1_000_000;

const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=localhost:0',
  'receivers.otlp.protocols.http.endpoint=localhost:0',
  'exporters.clickhouse.listen=localhost:0',
  'service.admin.endpoint=localhost:0',
];

export function settingArguments(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['--set', setting]);
}

/** `--set` arguments: free ports everywhere, data in `directory` when there is one. */
export function isolated(directory?: string): string[] {
  const storage = directory === undefined ? [] : [`service.storage.directory=${join(directory, 'data')}`];
  return settingArguments([...freePorts, ...storage]);
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'finishline-'));
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartedServiceOptions {
  /** Program and what stands before its settings. */
  readonly command: readonly string[];
  /** After the settings that isolate it. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Default: its own directory. */
  readonly cwd?: string;
  /** The command says itself where its data is. */
  readonly ownStorage?: true;
  readonly uid?: number;
  readonly gid?: number;
}

export class StartedService implements AsyncDisposable {
  readonly directory = temporaryDirectory();
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #startedAt = performance.now();
  out = '';
  err = '';

  constructor(options: StartedServiceOptions) {
    const { command, args = [], uid, gid } = options;
    const isolation = isolated(options.ownStorage === true ? undefined : this.directory);
    this.child = spawn(command[0]!, [...command.slice(1), ...isolation, ...args], {
      cwd: options.cwd ?? this.directory,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.err = (this.err + text).slice(-keptLogChars);
    });
    this.ended = new Promise((done) => this.child.once('close', (code, signal) => done({ code, signal })));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Where it listens: gRPC as host:port, the others as URLs. */
  get grpc(): string {
    return this.#printed(/OTLP\/gRPC (\S+)/);
  }

  get http(): string {
    return this.#printed(/OTLP\/HTTP (\S+)/);
  }

  get sql(): string {
    return this.#printed(/curl (\S+)/);
  }

  get admin(): string {
    return this.#printed(/look +(\S+)/);
  }

  /** Milliseconds from the start of the process until the five lines stood there. */
  async up(): Promise<number> {
    const complete = async () => (this.out.split('\n').length > 5 ? true : undefined);
    await this.until(complete, 'to print where it listens');
    return performance.now() - this.#startedAt;
  }

  /** Milliseconds from the start of the process until `/ready` was 200. */
  async ready(): Promise<number> {
    await this.up();
    let reason = '';
    const isReady = async () => {
      const response = await fetch(`${this.admin}/ready`);
      reason = await response.text();
      return response.status === 200 ? true : undefined;
    };
    await this.until(isReady, () => `to be ready: ${reason}`);
    return performance.now() - this.#startedAt;
  }

  /**
   * Repeats a question until there is an answer: what is wrong at first may only be late.
   * Throws, with what it was waited for and all output, when the process ends or it takes too long.
   */
  async until<T>(ask: () => Promise<T | undefined>, what: string | (() => string)): Promise<T> {
    const deadline = performance.now() + untilLimitMs;
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer !== undefined) return answer;
      const gone = this.#isGone();
      if (gone || performance.now() > deadline) {
        const expected = typeof what === 'string' ? what : what();
        throw new Error(`waited for the service ${expected}${gone ? ', but it ended' : ''}\n${this.out}\n${this.err}`);
      }
      await pause(50);
    }
  }

  /** Ends it in order, or by force after a minute, which is what is resolved with then. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (!this.#isGone()) this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), stopLimitMs);
    const ended = await this.ended;
    clearTimeout(late);
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #isGone(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  #printed(pattern: RegExp): string {
    const found = pattern.exec(this.out)?.[1];
    if (found === undefined) throw new Error(`not printed: ${pattern}\n${this.out}\n${this.err}`);
    return found;
  }
}
