/**
 * OTLP/gRPC over one HTTP/2 connection, one call at a time, on node:http2: five-byte frame out, trailers back.
 */
import * as http2 from 'node:http2';
import type { Connection, Protocol } from './protocol.ts';
import { isGzip } from './protocol.ts';

const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

export class GrpcConnection implements Connection {
  readonly #address: string;
  #session: http2.ClientHttp2Session | undefined;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#address = address;
  }

  send(protocol: Protocol, body: Uint8Array): Promise<void> {
    const gzip = isGzip(protocol);
    const frame = Buffer.allocUnsafe(5 + body.length);
    frame[0] = gzip ? 1 : 0;
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, 5);
    return new Promise((resolve, reject) => {
      const stream = this.#connected().request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...(gzip ? { 'grpc-encoding': 'gzip' } : {}),
      });
      let headers: http2.IncomingHttpHeaders = {};
      let message = Buffer.alloc(0);
      stream.on('response', (received) => (headers = { ...headers, ...received }));
      stream.on('trailers', (received) => (headers = { ...headers, ...received }));
      stream.on('data', (chunk: Buffer) => (message = Buffer.concat([message, chunk])));
      stream.on('error', reject);
      stream.on('close', () => {
        const refusal = refusalOf(headers, message);
        if (refusal === undefined) resolve();
        else reject(new Error(refusal));
      });
      stream.end(frame);
    });
  }

  [Symbol.dispose](): void {
    this.#session?.destroy();
  }

  #connected(): http2.ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(`http://${this.#address}`);
      // A broken connection fails its calls; without a listener it would also end the process.
      this.#session.on('error', () => {});
    }
    return this.#session;
  }
}

function refusalOf(headers: http2.IncomingHttpHeaders, message: Buffer): string | undefined {
  const status = headers['grpc-status'];
  if (status !== '0') return `gRPC status ${String(status)}: ${String(headers['grpc-message'])}`;
  // An empty response message, or one whose partial_success is empty: everything was taken.
  const body = message.subarray(5);
  return body.length === 0 || body.equals(Buffer.from([0x0a, 0]))
    ? undefined
    : `partial success: ${body.toString('hex')}`;
}
