/**
 * Reads a request's body with a limit, and gets rid of one that nobody wants.
 * Owns the bytes in flight of one request; knows no OTLP.
 */
import type { IncomingMessage } from 'node:http';
import { Disconnected, Refusal } from './refusal.ts';

/** So much of an unwanted body is read for the sake of the connection; more of it costs the sender the connection. */
const DRAINED_BYTES = 256 * 1024;
/** How long a sender that is told to close may go on sending, so that it reads its answer before a reset. */
const LINGER_MS = 2000;
const LINGERED_BYTES = 64 * 1024 * 1024;

/** What a sender is told about a body beyond the limit, plain or inflated. */
export const TOO_LARGE = 'http: request body too large';

/** The whole body; rejects with a Refusal beyond `limitBytes`, leaving the rest unread. */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limitBytes) {
        request.off('data', onData).pause();
        reject(tooLarge());
      } else {
        chunks.push(chunk);
      }
    };
    request.on('data', onData);
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    request.once('error', () => reject(new Disconnected()));
    request.once('close', () => reject(new Disconnected()));
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
    if (size > LINGERED_BYTES) finish();
  };
  const timer = setTimeout(finish, LINGER_MS);
  request.on('data', onData).once('end', finish).once('close', finish).resume();
}

function tooLarge(): Refusal {
  return new Refusal('too_large', TOO_LARGE);
}
