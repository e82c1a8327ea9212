/**
 * A real Finishline process for the smoke tests: started as a user starts it, on free ports, in a directory of its own.
 * Owns the process, its output and its directory; every address is read from the five lines that it prints.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const repository = join(import.meta.dirname, '../..');
export const mainFile = join(repository, 'service/main.ts');

/** Node's own directory first, as `npm run` has it. */
export const nodePath = `${join(repository, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`;

const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=localhost:0',
  'receivers.otlp.protocols.http.endpoint=localhost:0',
  'exporters.clickhouse.listen=localhost:0',
  'service.admin.endpoint=localhost:0',
];

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'finishline-smoke-'));
}

/** `--set` arguments: free ports everywhere, data in `directory`. */
export function isolated(directory: string): string[] {
  return settings([...freePorts, `service.storage.directory=${join(directory, 'data')}`]);
}

function settings(each: readonly string[]): string[] {
  return each.flatMap((setting) => ['--set', setting]);
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly command?: readonly string[];
  readonly cwd?: string;
  /** Beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of them. */
  readonly exactEnv?: Readonly<Record<string, string>>;
  /** The command says itself where its data is. */
  readonly ownStorage?: true;
  readonly uid?: number;
  readonly gid?: number;
}

export class RunningService implements AsyncDisposable {
  readonly directory = temporaryDirectory();
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #startedAt = performance.now();
  out = '';
  err = '';

  /** @param args after the command; free ports and a temporary directory are added before them. */
  constructor(args: readonly string[] = [], options: StartOptions = {}) {
    const [program, ...rest] = options.command ?? [process.execPath, mainFile];
    const isolation = options.ownStorage === true ? settings(freePorts) : isolated(this.directory);
    this.child = spawn(program!, [...rest, ...isolation, ...args], {
      cwd: options.cwd ?? this.directory,
      env: options.exactEnv ?? { PATH: nodePath, HOME: process.env['HOME'] ?? this.directory, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid !== undefined && { uid: options.uid }),
      ...(options.gid !== undefined && { gid: options.gid }),
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.ended = new Promise((done) => this.child.once('close', (code, signal) => done({ code, signal })));
  }

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

  /** The log lines on stderr. */
  get log(): Record<string, unknown>[] {
    return this.err
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Milliseconds from the start of the process until the five lines stood there. */
  async up(): Promise<number> {
    await this.#until(async () => this.out.split('\n').length > 5, 'to print where it listens');
    return performance.now() - this.#startedAt;
  }

  /** Milliseconds from the start of the process until `/ready` was 200. */
  async ready(): Promise<number> {
    await this.up();
    await this.#until(async () => (await fetch(`${this.admin}/ready`)).status === 200, 'to be ready');
    return performance.now() - this.#startedAt;
  }

  /** Repeats a question until the answer is right: what is wrong at first may only be late. */
  async until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
    let answer: T | undefined;
    await this.#until(async () => (answer = await ask()) !== undefined, what);
    return answer!;
  }

  async query(sql: string): Promise<string> {
    const response = await fetch(this.sql, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #printed(pattern: RegExp): string {
    const found = pattern.exec(this.out)?.[1];
    if (found === undefined) throw new Error(`not printed: ${pattern}\n${this.out}\n${this.err}`);
    return found;
  }

  async #until(holds: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + 90_000;
    for (;;) {
      if (await holds().catch(() => false)) return;
      const gone = this.child.exitCode !== null || this.child.signalCode !== null;
      if (gone || performance.now() > deadline) {
        throw new Error(`waited for the service ${what}${gone ? ', but it ended' : ''}\n${this.out}\n${this.err}`);
      }
      await pause(50);
    }
  }
}

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that ends by itself. */
export async function run(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  const child = spawn(command[0]!, command.slice(1), {
    cwd: options.cwd ?? repository,
    env: { PATH: nodePath, HOME: process.env['HOME'] ?? '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  return { code, out, err };
}
