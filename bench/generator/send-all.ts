/**
 * Sends a list of requests on a few connections, one in flight on each, and tries again what was refused.
 * Owns the connections and the tries; what a request's bytes are is the caller's business.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { GrpcConnection } from './grpc-connection.ts';
import { HttpConnection } from './http-connection.ts';
import { type Connection, type Endpoints, isGrpc, type Protocol } from './protocol.ts';

export interface Request {
  /** For messages. */
  readonly request: number;
  readonly protocol: Protocol;
}

export interface SendOptions {
  readonly endpoints: Endpoints;
  readonly connections: number;
  /** Tries of a refused request before everything fails; 1 = no second try. */
  readonly tries: number;
}

/**
 * Resolves with the number of bytes sent when all requests were accepted.
 * @param bodyMaker called once per connection; what it returns gives a request's bytes, good until its next call
 */
export async function sendAll<T extends Request>(
  requests: readonly T[],
  bodyMaker: () => (request: T) => Uint8Array,
  options: SendOptions,
): Promise<number> {
  let next = 0;
  let bytes = 0;
  const sender = async () => {
    using connections = new Connections(options.endpoints);
    const bodyOf = bodyMaker();
    while (next < requests.length) {
      const request = requests[next++]!;
      const body = bodyOf(request);
      await deliver(connections.for(request.protocol), request, body, options.tries);
      bytes += body.length;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, sender));
  return bytes;
}

async function deliver(
  connection: Connection,
  { request, protocol }: Request,
  body: Uint8Array,
  tries: number,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await connection.send(protocol, body);
      return;
    } catch (error) {
      if (tried >= tries) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`request ${request} over ${protocol} was refused ${tried} times: ${reason}`, { cause: error });
      }
      await pause(100 * tried);
    }
  }
}

/** A sender's connections, opened when first used. */
class Connections implements Disposable {
  readonly #grpc: GrpcConnection;
  readonly #http: HttpConnection;

  constructor(endpoints: Endpoints) {
    this.#grpc = new GrpcConnection(endpoints.grpc);
    this.#http = new HttpConnection(endpoints.http);
  }

  for(protocol: Protocol): Connection {
    return isGrpc(protocol) ? this.#grpc : this.#http;
  }

  [Symbol.dispose](): void {
    this.#grpc[Symbol.dispose]();
    this.#http[Symbol.dispose]();
  }
}
