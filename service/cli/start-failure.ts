/**
 * Which failures to start are the user's to mend, and in which words.
 * Owns the lines on the terminal; everything else is a fault of ours and keeps its stack.
 */
import { PermanentError } from '../../schema/contract.ts';
import { ConfigurationError } from '../config/configuration-error.ts';

const listenFailures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is no address of this machine',
  ENOTFOUND: 'is not a known host',
};

/** The lines to print; undefined when the error is not a mistake of the user's. */
export function explainStartFailure(error: unknown): readonly string[] | undefined {
  // `await using` wraps when stopping what had started fails as well; the first failure is the one to tell.
  const first = error instanceof SuppressedError ? (error.suppressed as unknown) : error;
  if (first instanceof ConfigurationError) return first.lines;
  if (first instanceof PermanentError) return [first.message];
  return undefined;
}

/** Names the setting behind an address that cannot be listened on; other errors are returned as they are. */
export function namingSetting(error: unknown, settingsByPort: ReadonlyMap<number, string>): unknown {
  const { code = '', port, address } = (error ?? {}) as { code?: string; port?: number; address?: string };
  const words = listenFailures[code];
  if (words === undefined || port === undefined) return error;
  const setting = settingsByPort.get(port) ?? 'an endpoint';
  return new ConfigurationError(
    [`${setting}: ${address ?? ''}:${port} ${words} (${code}); --set ${setting}=localhost:0 takes a free port`],
    { cause: error },
  );
}
