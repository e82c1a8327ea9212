/**
 * OTLP/HTTP: paths, methods, media types, encodings and the answers to all of them.
 * Owns the HTTP side of a request; what its body means is intake.ts' business, what errors are answered status.ts'.
 *
 * Bare node:http and not fastify, because of answers that fastify cannot give or gives otherwise: 405 with the fixed
 * text for GET (it says 404), 415 and 413 bodies that are not its own JSON, `application/json` without a charset
 * (Go's exporter compares it exactly), a 400 for an unknown Content-Encoding before method and media type are looked
 * at, a final answer before `100 Continue`, and the draining of bodies that are refused by their headers.
 * Order of the checks as in the Collector: path, encoding, method, media type, size, body.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { RetryableError } from '../../schema/contract.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import type { HttpConfig } from './config.ts';
import { inflaterFor } from './content-encoding.ts';
import { isWorthDraining, linger, readBody, TOO_LARGE } from './http-body.ts';
import type { Intake, Payload } from './intake.ts';
import { release } from './large-buffer.ts';
import { listen } from './listen.ts';
import { MEDIA_TYPES, payloadOf } from './media-type.ts';
import { Disconnected, Refusal } from './refusal.ts';
import { failureOf, statusJson, statusProtobuf, type FailureReason } from './status.ts';

const TRACES_PATH = '/v1/traces';
const BYTES_PER_MIB = 1024 * 1024;
/** Batch exporters send every 5 s or so: a shorter time makes the server close just when they send. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 80_000;
const MAX_HEADER_BYTES = 256 * 1024;

/** ExportTraceServiceResponse with an empty partial_success, byte for byte what the Collector sends. */
const SUCCESS = {
  protobuf: Buffer.from([0x0a, 0x00]),
  json: Buffer.from('{"partialSuccess":{}}'),
} as const satisfies Record<Payload, Buffer>;

export class HttpServer {
  readonly #config: HttpConfig;
  readonly #intake: Intake;
  readonly #telemetry: Telemetry;
  readonly #limitBytes: number;
  readonly #server: Server;
  #inFlight = 0;
  #stopping = false;
  #onIdle: (() => void) | undefined;

  constructor(config: HttpConfig, intake: Intake, telemetry: Telemetry) {
    this.#config = config;
    this.#intake = intake;
    this.#telemetry = telemetry;
    this.#limitBytes = config.maxRequestBodySizeMib * BYTES_PER_MIB;
    this.#server = createServer({
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    this.#server.on('request', (request, response) => this.#serve(request, response));
    this.#server.on('checkContinue', (request, response) => this.#serve(request, response, true));
  }

  /** Resolves with the address bound. */
  async start(): Promise<string> {
    return listen(this.#server, 'HTTP', this.#config.endpoint, this.#telemetry);
  }

  /** Stops accepting, waits for the requests in flight at most `deadlineMs`, then closes every connection. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadlineMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    this.#inFlight++;
    // A response that cannot be written any more says so here; the request's own errors come with its body.
    response.once('error', () => {});
    request.once('error', () => {});
    response.once('close', () => {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#onIdle?.();
    });
    this.#answer(request, response, expectsContinue).catch((error: unknown) => {
      this.#telemetry.error('a request could not be answered', { transport: 'http', error });
      response.destroy();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    let payload: Payload | undefined;
    try {
      const path = pathOf(request.url ?? '');
      if (path !== TRACES_PATH) throw new Refusal('unknown_path', `no such path: ${path}`);
      payload = payloadOf(request.headers['content-type']);
      const inflate = inflaterOf(request);
      if (request.method !== 'POST') throw new Refusal('method_not_allowed', `method ${request.method}`);
      if (payload === undefined) throw new Refusal('unsupported_media_type', 'neither protobuf nor JSON');
      if (this.#stopping) throw new RetryableError('the receiver is shutting down');
      if (expectsContinue && !isDeclaredTooLarge(request, this.#limitBytes)) response.writeContinue();
      await this.#take(await readBody(request, this.#limitBytes), inflate, payload);
      this.#send(request, response, 200, { 'Content-Type': MEDIA_TYPES[payload] }, SUCCESS[payload]);
    } catch (error) {
      this.#intake.refused(error, 'http');
      if (!(error instanceof Disconnected)) this.#sendFailure(request, response, payload ?? 'json', error);
    }
  }

  async #take(body: Buffer, inflate: Inflater, payload: Payload): Promise<void> {
    let plain = body;
    try {
      if (inflate !== 'identity') plain = await inflate(body, this.#limitBytes, TOO_LARGE);
      await this.#intake.take(plain, payload, 'http');
    } finally {
      release(body);
      release(plain);
    }
  }

  #sendFailure(request: IncomingMessage, response: ServerResponse, payload: Payload, error: unknown): void {
    const { reason, httpStatus, code, message, retryAfterS } = failureOf(error);
    const text = TEXT_ANSWERS[reason];
    if (text !== undefined) return this.#send(request, response, httpStatus, text.headers, Buffer.from(text.text));
    const headers: Record<string, string> = { 'Content-Type': MEDIA_TYPES[payload] };
    if (retryAfterS !== undefined) headers['Retry-After'] = String(retryAfterS);
    const encode = payload === 'json' ? statusJson : statusProtobuf;
    this.#send(request, response, httpStatus, headers, Buffer.from(encode(code, message, retryAfterS)));
  }

  /** Sends a whole answer; an unread body is read away when it is small, else the connection ends with the answer. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
  ): void {
    const close = this.#stopping || !isWorthDraining(request);
    response.writeHead(status, {
      ...headers,
      'Content-Length': body.length,
      ...(close ? { Connection: 'close' } : undefined),
    });
    if (!close || request.complete) {
      response.end(body);
      request.resume();
      return;
    }
    // The sender has its whole answer now; the end of the response would reset what it still sends.
    response.write(body);
    linger(request, () => response.end());
  }
}

type Inflater = NonNullable<ReturnType<typeof inflaterFor>>;

interface TextAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Answers that are no Status, word for word as the Collector gives them. */
const TEXT_ANSWERS: Readonly<Partial<Record<FailureReason, TextAnswer>>> = {
  unknown_path: {
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    text: '404 page not found\n',
  },
  method_not_allowed: {
    headers: { 'Content-Type': 'text/plain', Allow: 'POST' },
    text: '405 method not allowed, supported: [POST]',
  },
  unsupported_media_type: {
    headers: { 'Content-Type': 'text/plain' },
    text: '415 unsupported media type, supported: [application/json, application/x-protobuf]',
  },
};

/** The path of a request target: no query, one slash where senders that join URLs write two. */
function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = (query < 0 ? url : url.slice(0, query)).replace(/^https?:\/\/[^/]*/i, '');
  return path.startsWith('//') ? path.replace(/^\/+/, '/') : path;
}

/** Of several Content-Encoding lines the first counts, as in the Collector; node joins them in `headers`. */
function inflaterOf(request: IncomingMessage): Inflater {
  if (request.headers['content-encoding'] === undefined) return 'identity';
  const name = request.headersDistinct['content-encoding']?.[0]?.trim() ?? '';
  const inflater = inflaterFor(name.toLowerCase());
  if (inflater === undefined) throw new Refusal('unsupported_encoding', `unsupported Content-Encoding: ${name}`);
  return inflater;
}

function isDeclaredTooLarge(request: IncomingMessage, limitBytes: number): boolean {
  return Number(request.headers['content-length'] ?? 0) > limitBytes;
}
