/**
 * The service as a user starts it, for the smoke tests: by any command, in an environment of its own, with all that it says.
 * Owns the environment and the reading of its log; the process is a {@link StartedService}. Also runs commands that end.
 */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import {
  type Ended,
  mainFile,
  repository,
  StartedService,
  type StartedServiceOptions,
} from '../../bench/started-service.ts';

/** Node's own directory first, as `npm run` has it. */
export const nodePath = `${join(repository, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`;

export interface StartOptions extends Partial<Omit<StartedServiceOptions, 'args' | 'env'>> {
  /** Beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of them. */
  readonly exactEnv?: Readonly<Record<string, string>>;
}

export class RunningService extends StartedService {
  /** @param args after the command; free ports and a temporary directory are added before them. */
  constructor(args: readonly string[] = [], { env, exactEnv, ...options }: StartOptions = {}) {
    super({
      command: [process.execPath, mainFile],
      ...options,
      args,
      env: exactEnv ?? { ...plainEnvironment(), ...env },
    });
  }

  /** The log lines on stderr. */
  get log(): Record<string, unknown>[] {
    return this.err
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async query(sql: string): Promise<string> {
    const response = await fetch(this.sql, { method: 'POST', body: sql });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return text;
  }

  stop(signal?: NodeJS.Signals): Promise<Ended> {
    return this.end(signal);
  }
}

function plainEnvironment(): Record<string, string> {
  return { PATH: nodePath, HOME: process.env['HOME'] ?? '' };
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
    env: { ...plainEnvironment(), ...options.env },
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
