/**
 * A trace backend as small as it can be: an HTTP server that takes OTLP/HTTP requests and keeps every span.
 * Owns the server and what it got. Reads bodies with the verifier's decoder, not with code of the service.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { OtlpDecoder, type SeenSpan } from '../../bench/verify/otlp-decoder.ts';

export class BackendSink implements AsyncDisposable {
  /** In the order in which they came. */
  readonly spans: SeenSpan[] = [];
  /** Requests that were not OTLP/HTTP protobuf on /v1/traces. */
  readonly refused: string[] = [];
  readonly #server: Server;
  readonly #decoder = new OtlpDecoder();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<BackendSink> {
    const server = createServer();
    const sink = new BackendSink(server);
    server.on('request', (request, response) => {
      void sink.#keep(request).then((status) => {
        response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Resolves with the status of the answer; an empty body is the success of OTLP/HTTP. */
  async #keep(request: IncomingMessage): Promise<number> {
    const { method, url, headers } = request;
    const type = headers['content-type'];
    try {
      const body = await buffer(request);
      if (method !== 'POST' || url !== '/v1/traces' || type !== 'application/x-protobuf') {
        throw new Error('not an OTLP/HTTP protobuf request');
      }
      const plain = headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      this.spans.push(...this.#decoder.protobuf(plain));
      return 200;
    } catch (error) {
      this.refused.push(`${method} ${url} ${type}: ${error instanceof Error ? error.message : String(error)}`);
      return 400;
    }
  }
}
