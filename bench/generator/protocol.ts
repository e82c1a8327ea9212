/** The six ways in which a request can be sent, and what each means on the wire. */
import type { Encoding } from './templates.ts';

export const protocols = ['grpc', 'grpc+gzip', 'http', 'http+gzip', 'json', 'json+gzip'] as const;
export type Protocol = (typeof protocols)[number];

export function encodingOf(protocol: Protocol): Encoding {
  return protocol.startsWith('json') ? 'json' : 'protobuf';
}

export function isGzip(protocol: Protocol): boolean {
  return protocol.endsWith('+gzip');
}

export function isGrpc(protocol: Protocol): boolean {
  return protocol.startsWith('grpc');
}

export interface Endpoints {
  /** `host:port` of OTLP/gRPC. */
  readonly grpc: string;
  /** `host:port` of OTLP/HTTP. */
  readonly http: string;
}

/** One connection with one request in flight. */
export interface Connection extends Disposable {
  /**
   * Sends one serialised request (already compressed where the protocol says so); the bytes may be reused afterwards.
   * Resolves when it was accepted whole; rejects with what the server said otherwise.
   */
  send(protocol: Protocol, body: Uint8Array): Promise<void>;
}
