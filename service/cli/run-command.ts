/**
 * The command line: `finishline [serve|validate|sql|migrate|demo]`; without a command it serves.
 * Owns dispatch, usage and exit codes: 0 done, 1 failed, 2 a mistake in what the user said.
 */
import { ConfigurationError } from '../config/configuration-error.ts';
import type { Environment } from '../config/environment.ts';
import { nearest } from '../config/nearest.ts';
import type { ServiceConfig } from '../config/service-config.ts';
import { configFrom, readArguments } from './arguments.ts';
import { explainStartFailure, namingSetting } from './start-failure.ts';

export interface CommandIo {
  readonly environment: Environment;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export type Serve = (config: ServiceConfig) => Promise<void>;

const usage = `usage: finishline [command] [--config FILE]... [--set section.key=value]...

  serve                 receive, assemble, store (the default)
  validate              check the configuration and print OK
  sql "SELECT …"        ask ClickHouse [--format FORMAT] [--url URL]
  migrate               bring the tables of a ClickHouse server up to date
  demo                  send realistic traffic and compare the answer with what was sent
`;

const commands = ['serve', 'validate', 'sql', 'migrate', 'demo'] as const;

/** Resolves with the exit code; never rejects. */
export async function runCommand(args: readonly string[], io: CommandIo, serve: Serve): Promise<number> {
  try {
    return await dispatch(args, io, serve);
  } catch (error) {
    const mistake = explainStartFailure(error);
    if (mistake !== undefined) {
      for (const line of mistake) io.err(`${line}\n`);
      return 2;
    }
    io.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

async function dispatch(args: readonly string[], io: CommandIo, serve: Serve): Promise<number> {
  if (args.includes('--help')) {
    io.out(usage);
    return 0;
  }
  const named = args[0] !== undefined && !args[0].startsWith('-');
  const command = named ? args[0] : 'serve';
  const rest = named ? args.slice(1) : args;
  switch (command) {
    case 'serve': {
      const config = configFrom(readArguments(rest), io.environment);
      await serve(config).catch((error: unknown) => {
        throw namingSetting(error, config.listeners);
      });
      return 0;
    }
    case 'validate': {
      const config = configFrom(readArguments(rest), io.environment);
      for (const note of config.notes) io.err(`${note}\n`);
      io.out('OK\n');
      return 0;
    }
    // Loaded when asked for, so that the service starts without them.
    case 'sql':
      return (await import('./sql.ts')).runSql(rest, io);
    case 'migrate':
      return (await import('./migrate.ts')).runMigrate(rest, io);
    case 'demo':
      return (await import('./demo/demo.ts')).runDemo(rest);
    default:
      throw new ConfigurationError([unknownCommand(command ?? '')]);
  }
}

function unknownCommand(command: string): string {
  const meant = nearest(command, commands);
  return `finishline ${command}: unknown command; ${meant === undefined ? `there are ${commands.join(', ')}` : `did you mean '${meant}'?`}`;
}
