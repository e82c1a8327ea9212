/**
 * OTLP/gRPC: a small unary server on node:http2 with large windows.
 * Owns streams, sessions and the gRPC side of a request; its meaning is intake.ts' business.
 * Not grpc-js: its server cannot be given other compressions, accepts malformed frames and costs twice the CPU.
 * Invariant: no error of a session or a stream leaves this file.
 */
import { constants, createServer } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Telemetry } from '../../schema/telemetry.ts';
import type { GrpcConfig } from './config.ts';
import { inflaterFor } from './content-encoding.ts';
import { frame, GrpcMessageReader, type GrpcMessage } from './grpc-frame.ts';
import { checkHealth } from './grpc-health.ts';
import { failureHeaders, statusTrailers } from './grpc-status.ts';
import type { Intake } from './intake.ts';
import { release } from './large-buffer.ts';
import { listen } from './listen.ts';
import { Disconnected, Refusal } from './refusal.ts';
import { failureOf, RpcCode, type Failure } from './status.ts';

const { HTTP2_HEADER_STATUS, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;
const BYTES_PER_MIB = 1024 * 1024;
/** Receive windows of a stream and of a connection: with HTTP/2's 64 KiB a batch takes several round trips. */
const WINDOW_BYTES = 4 * BYTES_PER_MIB;
const MAX_CONCURRENT_STREAMS = 256;
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_SESSION_MEMORY_MB = 64;

const TRACE_SERVICE = 'opentelemetry.proto.collector.trace.v1.TraceService';
const HEALTH_SERVICE = 'grpc.health.v1.Health';
const GRPC = 'application/grpc';
/** ExportTraceServiceResponse with an empty partial_success, byte for byte what the Collector sends. */
const SUCCESS = frame(Buffer.from([0x0a, 0x00]));

/** Takes the plain message of a call and gives the framed answer. */
type Unary = (message: Buffer) => Promise<Buffer> | Buffer;

export class GrpcServer {
  readonly #config: GrpcConfig;
  readonly #intake: Intake;
  readonly #telemetry: Telemetry;
  readonly #limitBytes: number;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #services: Readonly<Record<string, Readonly<Record<string, Unary>>>>;
  #stopping = false;

  constructor(config: GrpcConfig, intake: Intake, telemetry: Telemetry) {
    this.#config = config;
    this.#intake = intake;
    this.#telemetry = telemetry;
    this.#limitBytes = config.maxRecvMsgSizeMib * BYTES_PER_MIB;
    this.#services = {
      [TRACE_SERVICE]: { Export: (message) => this.#export(message) },
      [HEALTH_SERVICE]: { Check: (message) => frame(checkHealth(message, [TRACE_SERVICE], this.#stopping)) },
    };
    this.#server = createServer({
      settings: {
        initialWindowSize: WINDOW_BYTES,
        maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
        maxHeaderListSize: MAX_HEADER_BYTES,
      },
      maxSessionMemory: MAX_SESSION_MEMORY_MB,
    });
    this.#server.on('session', (session) => this.#open(session));
    this.#server.on('sessionError', (error) =>
      this.#telemetry.debug('gRPC connection ended', { error: error.message }),
    );
    this.#server.on('stream', (stream, headers) => {
      this.#serve(stream, headers).catch((error: unknown) => {
        this.#telemetry.error('a call could not be answered', { transport: 'grpc', error });
        stream.close(NGHTTP2_INTERNAL_ERROR);
      });
    });
  }

  /** Resolves with the address bound. */
  async start(): Promise<string> {
    return listen(this.#server, 'gRPC', this.#config.endpoint, this.#telemetry);
  }

  /** Sends GOAWAY, waits for the calls in flight at most `deadlineMs`, then closes every connection. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const timer = setTimeout(() => {
      for (const session of this.#sessions) session.destroy();
    }, deadlineMs);
    await closed;
    clearTimeout(timer);
  }

  #open(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.setLocalWindowSize(WINDOW_BYTES);
    session.once('close', () => this.#sessions.delete(session));
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    // What goes wrong with a stream also ends the reading of its message, and is told there.
    stream.on('error', () => {});
    const contentType = headers['content-type'] ?? '';
    try {
      const unary = this.#route(headers, contentType);
      const encoding = encodingOf(headers);
      const message = await readMessage(stream, this.#limitBytes);
      succeed(stream, contentType, await unary(await this.#plain(message, encoding)));
    } catch (error) {
      this.#intake.refused(error, 'grpc');
      if (!(error instanceof Disconnected)) fail(stream, contentType, failureOf(error));
    }
  }

  #route(headers: IncomingHttpHeaders, contentType: string): Unary {
    const method = headers[':method'] ?? '';
    if (method !== 'POST') {
      throw new Refusal('method_not_allowed', `Received a HEADERS frame with :method "${method}" which should be POST`);
    }
    if (!/^application\/grpc(?:$|[+;])/.test(contentType)) {
      throw new Refusal('unsupported_media_type', `invalid gRPC request content-type "${contentType}"`);
    }
    const path = headers[':path'] ?? '';
    const slash = path.lastIndexOf('/');
    if (slash <= 0) throw new Refusal('unknown_path', `malformed method name: "${path}"`);
    const service = path.slice(1, slash);
    const name = path.slice(slash + 1);
    if (!Object.hasOwn(this.#services, service)) throw new Refusal('unknown_path', `unknown service ${service}`);
    const methods = this.#services[service]!;
    if (Object.hasOwn(methods, name)) return methods[name]!;
    throw new Refusal('unknown_path', `unknown method ${name} for service ${service}`);
  }

  async #plain(message: GrpcMessage, encoding: string): Promise<Buffer> {
    if (!message.compressed) return message.body;
    const inflate = inflaterFor(encoding);
    if (inflate === undefined || inflate === 'identity') {
      throw new Refusal('bad_frame', 'grpc: compressed flag set with identity or empty encoding');
    }
    const tooLarge = `grpc: received message after decompression larger than max ${this.#limitBytes}`;
    const plain = await inflate(message.body, this.#limitBytes, tooLarge);
    release(message.body);
    return plain;
  }

  async #export(message: Buffer): Promise<Buffer> {
    try {
      await this.#intake.take(message, 'protobuf', 'grpc');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(error.reason, `grpc: error unmarshalling request: ${error.message}`);
    } finally {
      release(message);
    }
    return SUCCESS;
  }
}

/** The encoding that compressed messages of the call have; an unknown one is refused even when none is compressed. */
function encodingOf(headers: IncomingHttpHeaders): string {
  const encoding = headers['grpc-encoding'];
  const name = typeof encoding === 'string' ? encoding : '';
  if (inflaterFor(name) !== undefined) return name;
  throw new Refusal('unsupported_encoding', `grpc: Decompressor is not installed for grpc-encoding "${name}"`);
}

/** The one message of the call; rejects without reading on as soon as it cannot be a good one. */
function readMessage(stream: ServerHttp2Stream, limitBytes: number): Promise<GrpcMessage> {
  return new Promise((resolve, reject) => {
    const reader = new GrpcMessageReader(limitBytes);
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        stream.removeAllListeners('data').pause();
        reject(error);
      }
    });
    const onClose = (): void => reject(new Disconnected());
    stream.once('end', () => {
      try {
        resolve(reader.finish());
        // An Error with its stack costs 3 % of a call; after the end, closing means nothing.
        stream.off('aborted', onClose).off('close', onClose);
      } catch (error) {
        // A stream that is reset ends first and says so afterwards.
        setImmediate(() => reject(stream.aborted ? new Disconnected() : error));
      }
    });
    stream.once('aborted', onClose);
    stream.once('close', onClose);
  });
}

function succeed(stream: ServerHttp2Stream, contentType: string, answer: Buffer): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ [HTTP2_HEADER_STATUS]: 200, 'content-type': contentType }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(statusTrailers(RpcCode.OK, '')));
  stream.end(answer);
}

function fail(stream: ServerHttp2Stream, contentType: string, failure: Failure): void {
  if (stream.destroyed || stream.headersSent) return;
  const notGrpc = failure.reason === 'method_not_allowed' || failure.reason === 'unsupported_media_type';
  const type = notGrpc ? GRPC : contentType;
  stream.respond(failureHeaders(failure, type, notGrpc ? failure.httpStatus : 200), { endStream: true });
  // The rest of the request is of no use: this tells the client to stop sending, the call itself has its answer.
  if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR);
}
