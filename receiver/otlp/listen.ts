/**
 * Binds a server to a configured endpoint, with an error that says which and why.
 * Owns the reading of `host:port`; knows no protocol.
 */
import type { AddressInfo, Server } from 'node:net';
import type { Telemetry } from '../../schema/telemetry.ts';

/** Resolves with the `host:port` that was bound; rejects with an error naming `protocol` and `endpoint`. */
export async function listen(
  server: Server,
  protocol: string,
  endpoint: string,
  telemetry: Telemetry,
): Promise<string> {
  const { host, port } = parseEndpoint(protocol, endpoint);
  await new Promise<void>((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(
        new Error(`otlp receiver: ${protocol} cannot listen on ${endpoint}: ${reasonOf(error)}`, { cause: error }),
      );
    };
    server.once('error', onError);
    server.listen({ host, port }, () => {
      server.off('error', onError);
      // Such as too many open files: the connection is lost, the server goes on.
      server.on('error', (error) => telemetry.error(`${protocol} server`, { endpoint, error: error.message }));
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

/** `host:port`, `[v6]:port` or `:port` (all interfaces), as in the Collector. */
function parseEndpoint(protocol: string, endpoint: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(endpoint);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new Error(`otlp receiver: ${protocol} endpoint "${endpoint}": expected host:port, such as localhost:4317`);
  }
  const host = match[1] ?? match[2]!;
  if (host === '') return { host: '::', port };
  // The name may resolve to ::1 first; senders are configured with 127.0.0.1 at least as often, and Go binds that.
  return { host: host === 'localhost' ? '127.0.0.1' : host, port };
}

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the port is already in use (EADDRINUSE)';
    case 'EACCES':
      return 'permission denied (EACCES)';
    case 'ENOTFOUND':
    case 'EADDRNOTAVAIL':
      return `this machine has no such address (${error.code})`;
    default:
      return error.message;
  }
}
