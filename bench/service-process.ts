/**
 * The real service as a process of its own: started on free ports over a fresh directory, asked, measured, stopped.
 * Owns the process and its directory. Imports nothing of the service: what it knows is what the service prints.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Endpoints } from './generator/protocol.ts';

export interface ServiceProcessOptions {
  /** Further `--set` values. */
  readonly settings?: readonly string[];
  /** Flags of the Node that runs the service. */
  readonly nodeFlags?: readonly string[];
}

const startLimitMs = 120_000;
const stopLimitMs = 30_000;
const mainPath = join(import.meta.dirname, '../service/main.ts');
const freePorts = [
  'receivers.otlp.protocols.grpc.endpoint=localhost:0',
  'receivers.otlp.protocols.http.endpoint=localhost:0',
  'exporters.clickhouse.listen=localhost:0',
  'service.admin.endpoint=localhost:0',
  'service.telemetry.logs.level=warn',
];

export class ServiceProcess implements AsyncDisposable {
  readonly pid: number;
  readonly otlp: Endpoints;
  readonly sqlUrl: string;
  readonly adminUrl: string;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #log: { text: string };

  private constructor(child: ChildProcess, directory: string, log: { text: string }, banner: string) {
    this.#child = child;
    this.#log = log;
    this.directory = directory;
    this.pid = child.pid!;
    this.otlp = {
      grpc: printed(banner, /OTLP\/gRPC (\S+)/),
      http: printed(banner, /OTLP\/HTTP http:\/\/(\S+)/),
    };
    this.sqlUrl = printed(banner, /curl (http:\/\/\S+)/);
    this.adminUrl = printed(banner, /look +(http:\/\/\S+)/);
  }

  /** Resolves when `/ready` answers 200; rejects with the service's log when it ends or takes too long. */
  static async start(options: ServiceProcessOptions = {}): Promise<ServiceProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'finishline-bench-'));
    const settings = [...freePorts, `service.storage.directory=${directory}`, ...(options.settings ?? [])];
    const args = [
      ...(options.nodeFlags ?? []),
      mainPath,
      'serve',
      ...settings.flatMap((setting) => ['--set', setting]),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = { text: '' };
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log.text = (log.text + text).slice(-100_000)));
    try {
      const banner = await printedBanner(child, log);
      const service = new ServiceProcess(child, directory, log, banner);
      await service.#untilReady();
      return service;
    } catch (error) {
      await ended(child, 'SIGKILL');
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** What it wrote to stderr (the end of it). */
  get log(): string {
    return this.#log.text;
  }

  /** Rows of a SELECT, 64-bit numbers as numbers. */
  async query<T>(sql: string): Promise<T[]> {
    return querySql<T>(this.sqlUrl, sql);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.adminUrl}/metrics`)).text();
  }

  /** Ends it in order; resolves with its exit code. The directory goes with the disposal. */
  async stop(): Promise<number | null> {
    await ended(this.#child, 'SIGTERM');
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    const deadline = Date.now() + startLimitMs;
    let reason = '';
    while (Date.now() < deadline) {
      const response = await fetch(`${this.adminUrl}/ready`).catch(() => undefined);
      if (response?.status === 200) return;
      reason = (await response?.text()) ?? 'no answer';
      await pause(50);
    }
    throw new Error(`the service is not ready after ${startLimitMs / 1000} s: ${reason}\n${this.log}`);
  }
}

/** Asks a ClickHouse SQL door; rejects with its own error text. */
export async function querySql<T>(sqlUrl: string, sql: string): Promise<T[]> {
  const settings = 'default_format=JSONEachRow&output_format_json_quote_64bit_integers=0&wait_end_of_query=1';
  const response = await fetch(`${sqlUrl}/?${settings}`, { method: 'POST', body: sql });
  const text = await response.text();
  if (!response.ok) throw new Error(`${text.trim()}\nin: ${sql}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): T => JSON.parse(line));
}

function printed(banner: string, pattern: RegExp): string {
  const match = pattern.exec(banner);
  if (match === null) throw new Error(`the service did not print ${pattern.source}:\n${banner}`);
  return match[1]!;
}

function printedBanner(child: ChildProcess, log: { text: string }): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the service ended with code ${code}:\n${log.text}`)));
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (/\n +data +\S.*\n/.test(text)) resolve(text);
    });
  });
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await exit;
  clearTimeout(late);
}
