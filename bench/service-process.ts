/**
 * The service as the benchmarks and the comparisons with the truth use it: quiet, ready once it is started, asked for rows.
 * Owns the questions; the process is a {@link StartedService}.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Endpoints } from './generator/protocol.ts';
import { mainFile, settingArguments, StartedService } from './started-service.ts';

export interface ServiceProcessOptions {
  /** Further `--set` values. */
  readonly settings?: readonly string[];
  /** Flags of the Node that runs the service, beside those of `npm start`. */
  readonly nodeFlags?: readonly string[];
}

export class ServiceProcess extends StartedService {
  private constructor({ settings = [], nodeFlags = [] }: ServiceProcessOptions) {
    super({
      command: [process.execPath, ...startFlags(), ...nodeFlags, mainFile, 'serve'],
      args: settingArguments(['service.telemetry.logs.level=warn', ...settings]),
      cwd: process.cwd(),
    });
  }

  /** Resolves when `/ready` answers 200; rejects with the service's log when it ends or takes too long. */
  static async start(options: ServiceProcessOptions = {}): Promise<ServiceProcess> {
    const service = new ServiceProcess(options);
    try {
      await service.ready();
      return service;
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
  }

  get otlp(): Endpoints {
    return { grpc: this.grpc, http: new URL(this.http).host };
  }

  /** What it wrote to stderr (the end of it). */
  get log(): string {
    return this.err;
  }

  /** Rows of a SELECT, 64-bit numbers as numbers. */
  async query<T>(sql: string): Promise<T[]> {
    return querySql<T>(this.sql, sql);
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.admin}/metrics`)).text();
  }

  /** Ends it in order; resolves with its exit code. The directory goes with the disposal. */
  async stop(): Promise<number | null> {
    return (await this.end()).code;
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

/** The flags with which `npm start` runs the service. */
function startFlags(): string[] {
  const manifest: { scripts: { start: string } } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  return manifest.scripts.start.split(' ').filter((word) => word.startsWith('--'));
}
