/**
 * Which failures to start are the user's to mend, and in which words: one line each on the terminal, exit code 2.
 * Owns the list of such errors; everything else is a fault of ours and keeps its stack.
 */
import { ExporterConfigError } from '../../exporter/clickhouse/config.ts';
import { EngineUnavailableError } from '../../exporter/clickhouse/embedded/platform.ts';
import { SchemaChangedError, SchemaTooNewError } from '../../exporter/clickhouse/migrate.ts';
import { PermanentError } from '../../schema/contract.ts';
import { ConfigurationError } from '../config/configuration-error.ts';
import type { Listener } from '../config/service-config.ts';

const listenFailures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
};

const mistakes = [
  EngineUnavailableError,
  ExporterConfigError,
  PermanentError,
  SchemaChangedError,
  SchemaTooNewError,
] as const;

/** The lines to print; undefined when the error is not a mistake of the user's. */
export function explainStartFailure(error: unknown): readonly string[] | undefined {
  const first = firstFailure(error);
  if (first instanceof ConfigurationError) return first.lines;
  return first instanceof Error && mistakes.some((mistake) => first instanceof mistake) ? [first.message] : undefined;
}

/** Names the setting behind an address that cannot be listened on; other errors are returned as they are. */
export function namingSetting(error: unknown, listeners: readonly Listener[]): unknown {
  for (let cause = firstFailure(error); cause instanceof Error; cause = cause.cause) {
    const { code = '', port, address = '' } = cause as { code?: string; port?: number; address?: string };
    const words = listenFailures[code];
    if (words === undefined || port === undefined) continue;
    const setting = listeners.find((listener) => listener.address.port === port)?.setting ?? 'an endpoint';
    const advice = `--set ${setting}=localhost:0 takes a free port`;
    return new ConfigurationError([`${setting}: ${address}:${port} ${words} (${code}); ${advice}`], { cause: error });
  }
  return error;
}

/** `await using` wraps when stopping what had started fails as well; the first failure is the one to tell. */
function firstFailure(error: unknown): unknown {
  return error instanceof SuppressedError ? firstFailure(error.suppressed) : error;
}
