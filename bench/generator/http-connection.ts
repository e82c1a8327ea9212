/**
 * OTLP/HTTP over one raw keep-alive connection: head and body in one write, the answer read by hand.
 * Cheaper than an HTTP client, so that the load says something about the server. Reads Content-Length bodies only.
 */
import { connect, type Socket } from 'node:net';
import type { Connection, Protocol } from './protocol.ts';
import { encodingOf, isGzip } from './protocol.ts';

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

export class HttpConnection implements Connection {
  readonly #address: string;
  #socket: Socket | undefined;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;

  /** @param address `host:port` */
  constructor(address: string) {
    this.#address = address;
  }

  async send(protocol: Protocol, body: Uint8Array): Promise<void> {
    const socket = await this.#connected();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      socket.cork();
      socket.write(head(this.#address, protocol, body.length), 'latin1');
      // A copy: the socket may keep the bytes after this call, and the caller reuses its buffer only after the answer.
      socket.write(body);
      socket.uncork();
    });
  }

  [Symbol.dispose](): void {
    this.#socket?.destroy();
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const split = this.#address.lastIndexOf(':');
    const socket = connect({
      host: this.#address.slice(0, split),
      port: Number(this.#address.slice(split + 1)),
      noDelay: true,
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    this.#received = Buffer.alloc(0);
    this.#socket = socket;
    return socket;
  }

  #read(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const headText = this.#received.toString('latin1', 0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(headText);
    if (length === null) {
      this.#fail(new Error(`an answer without Content-Length: ${headText.slice(0, 200)}`));
      return;
    }
    const end = headEnd + 4 + Number(length[1]);
    if (this.#received.length < end) return;
    const body = this.#received.subarray(headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const refusal = refusalOf(headText, body);
    if (refusal === undefined) waiting?.resolve();
    else waiting?.reject(new Error(refusal));
  }

  #fail(error: Error): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }
}

function head(address: string, protocol: Protocol, length: number): string {
  const type = encodingOf(protocol) === 'json' ? 'application/json' : 'application/x-protobuf';
  const encoding = isGzip(protocol) ? 'Content-Encoding: gzip\r\n' : '';
  return `POST /v1/traces HTTP/1.1\r\nHost: ${address}\r\nUser-Agent: finishline-bench\r\nContent-Type: ${type}\r\n${encoding}Content-Length: ${length}\r\n\r\n`;
}

/** A full success is 200 with an empty message (`{}` or no bytes, or `partialSuccess` empty). */
function refusalOf(headText: string, body: Buffer): string | undefined {
  const status = headText.slice(9, 12);
  if (status !== '200') return `HTTP ${status}: ${body.toString('utf8').slice(0, 200)}`;
  const text = body.toString('utf8');
  const full = body.length === 0 || text === '{}' || /^\{"partialSuccess":\{\}\}$/.test(text) || isEmptyPartial(body);
  return full ? undefined : `partial success: ${text.slice(0, 200)}`;
}

/** ExportTraceServiceResponse with an empty `partial_success` (field 1, length 0). */
function isEmptyPartial(body: Buffer): boolean {
  return body.length === 2 && body[0] === 0x0a && body[1] === 0;
}
