/**
 * A running OpenTelemetry Collector: started with configuration files that it merges, as `--config` given twice does.
 * Owns the process, its files and its log; its addresses are read from the log, so that port 0 can be asked for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Endpoints } from '../../bench/generator/protocol.ts';

const startLimitMs = 60_000;
const stopLimitMs = 60_000;

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly endpoint?: string;
}

export class CollectorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #directory: string;
  #log = '';

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  /**
   * Resolves when everything of it runs; rejects with its log when it ends or takes too long.
   * @param configs YAML texts; later ones are merged over earlier ones. The log must be `encoding: json`.
   */
  static async start(binary: string, configs: readonly string[]): Promise<CollectorProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'finishline-collector-'));
    const args: string[] = [];
    for (const [index, config] of configs.entries()) {
      const file = join(directory, `${index}.yaml`);
      await writeFile(file, config);
      args.push('--config', file);
    }
    const child = spawn(binary, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    const collector = new CollectorProcess(child, directory);
    try {
      await collector.#untilReady();
      return collector;
    } catch (error) {
      await collector[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where its OTLP receiver listens. */
  get otlp(): Endpoints {
    return { grpc: this.#endpoint('Starting GRPC server'), http: this.#endpoint('Starting HTTP server') };
  }

  /** Its whole log, a JSON object a line. */
  get logText(): string {
    return this.#log;
  }

  /** Lines that say that something was refused, lost or must be acted upon. */
  get errors(): string[] {
    return this.#log.split('\n').filter((line) => logLine(line)?.level === 'error');
  }

  /** SIGTERM: it exports what is still queued, then ends. Resolves with its exit code, null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), stopLimitMs);
    const code = await this.#ended;
    clearTimeout(late);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #lines(): LogLine[] {
    return this.#log
      .split('\n')
      .map(logLine)
      .filter((line) => line !== undefined);
  }

  #endpoint(message: string): string {
    const endpoint = this.#lines().find((line) => line.msg === message)?.endpoint;
    if (endpoint === undefined) throw new Error(`the Collector did not log "${message}":\n${this.#log}`);
    return endpoint;
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + startLimitMs;
    while (!this.#lines().some((line) => line.msg.startsWith('Everything is ready.'))) {
      const gone = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (gone) await this.#ended;
      if (gone || Date.now() > deadline) {
        throw new Error(`the Collector ${gone ? 'ended' : 'is not ready'} at its start:\n${this.#log}`);
      }
      await pause(50);
    }
  }
}

function logLine(line: string): LogLine | undefined {
  return line.startsWith('{') && line.endsWith('}') ? (JSON.parse(line) as LogLine) : undefined;
}
