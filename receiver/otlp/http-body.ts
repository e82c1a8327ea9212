/**
 * Reads a request's body with a limit, and gets rid of one that nobody wants.
 * Owns the bytes in flight of one request; knows no OTLP.
 */
import type { IncomingMessage } from 'node:http';
import { release } from './large-buffer.ts';
import { Disconnected, Refusal } from './refusal.ts';

/** So much of an unwanted body is read for the sake of the connection; more of it costs the sender the connection. */
const DRAINED_BYTES = 256 * 1024;
/** How long a sender that is told to close may go on sending, so that it reads its answer before a reset. */
const LINGER_MS = 2000;
const LINGERED_BYTES = 64 * 1024 * 1024;

/** A declared body from this size on is read into one piece of memory; below it the chunks are joined at the end. */
const PREALLOCATED_BYTES = 64 * 1024;

/** What a sender is told about a body beyond the limit, plain or inflated. */
export const TOO_LARGE = 'http: request body too large';

/** The whole body; rejects with a Refusal beyond `limitBytes`, leaving the rest unread. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limitBytes) return Promise.reject(tooLarge());
  const body = new CollectedBody(declared);
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      if (body.size + chunk.length <= limitBytes) {
        body.add(chunk);
        return;
      }
      request.off('data', onData).pause();
      reject(tooLarge());
    };
    // An Error with its stack costs 3 % of a request; after the end, closing means nothing.
    const onClose = (): void => reject(new Disconnected());
    request.on('data', onData);
    request.once('end', () => {
      request.off('close', onClose);
      resolve(body.whole());
    });
    request.once('error', onClose);
    request.once('close', onClose);
  });
}

/** Whether the unread rest of the body is small enough to read it and keep the connection. */
export function isWorthDraining(request: IncomingMessage): boolean {
  if (request.complete) return true;
  const declared = request.headers['content-length'];
  return declared !== undefined && Number(declared) <= DRAINED_BYTES;
}

/** Reads and forgets the rest of the body; calls `done` once, at its end or when patience ends. */
export function linger(request: IncomingMessage, done: () => void): void {
  let size = 0;
  const finish = (): void => {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('close', finish);
    done();
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    release(chunk);
    if (size > LINGERED_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', onData).once('end', finish).once('close', finish).resume();
}

/** The bytes that came so far. */
class CollectedBody {
  size = 0;
  readonly #room: Buffer | undefined;
  readonly #chunks: Buffer[] = [];

  /** @param declared Content-Length, 0 when there is none */
  constructor(declared: number) {
    if (declared >= PREALLOCATED_BYTES) this.#room = Buffer.allocUnsafeSlow(declared);
  }

  add(chunk: Buffer): void {
    if (this.#room === undefined) this.#chunks.push(chunk);
    else chunk.copy(this.#room, this.size);
    this.size += chunk.length;
    if (this.#room !== undefined) release(chunk);
  }

  whole(): Buffer {
    if (this.#room !== undefined) return this.#room;
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.size);
  }
}

function tooLarge(): Refusal {
  return new Refusal('too_large', TOO_LARGE);
}
