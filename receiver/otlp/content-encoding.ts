/**
 * Inflates request bodies, bounded: the table of known encodings and what each refuses.
 * Owns decompression and its error texts (the Collector's); the compressed body's own size is checked by the servers.
 * Concatenated gzip members are one body; anything behind the last member is refused, zero bytes too.
 */
import { createGunzip, gunzip, gunzipSync, type ZlibOptions } from 'node:zlib';
import { release } from './large-buffer.ts';
import { Refusal } from './refusal.ts';

/** Turns a compressed body into the plain one; more than `limitBytes` of it is refused with the text `tooLarge`. */
type Inflate = (body: Buffer, limitBytes: number, tooLarge: string) => Buffer | Promise<Buffer>;

/** Bodies up to this size are inflated at once: handing them to another thread and back costs more CPU. */
const INLINE_BYTES = 64 * 1024;
/** Deflate cannot expand by more than this. */
const MAX_RATIO = 1032;
const MIN_CHUNK_BYTES = 1024;
/** Of what is inflated only to be counted, so much is held at once. Less would come from node's pool: not released. */
const COUNTED_CHUNK_BYTES = 64 * 1024;

/** The encodings that are understood, by Content-Encoding or grpc-encoding. Another one is one more line. */
const INFLATERS: Readonly<Record<string, Inflate>> = { gzip: inflateGzip, 'x-gzip': inflateGzip };

/** Plain bodies are named so, or not at all. */
const IDENTITY: ReadonlySet<string> = new Set(['', 'identity']);

/** How to inflate a body of that (lower-case) encoding; 'identity' = not at all, undefined = unknown. */
export function inflaterFor(encoding: string): Inflate | 'identity' | undefined {
  if (IDENTITY.has(encoding)) return 'identity';
  return Object.hasOwn(INFLATERS, encoding) ? INFLATERS[encoding] : undefined;
}

/** What node's zlib gives with `info`: how much of the input it has read. */
interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function inflateGzip(body: Buffer, limitBytes: number, tooLarge: string): Buffer | Promise<Buffer> {
  if (body.length === 0) throw new Refusal('corrupt_compression', 'EOF');
  const claimed = body.length < 4 ? 0 : body.readUInt32LE(body.length - 4);
  if (claimed > limitBytes) return inflateDoubtful(body, limitBytes, tooLarge);
  const options = { info: true, maxOutputLength: limitBytes, chunkSize: chunkBytes(body, claimed) };
  if (body.length > INLINE_BYTES) return inflateElsewhere(body, options, tooLarge);
  try {
    return whole(gunzipSync(body, options) as unknown as Inflated, body);
  } catch (error) {
    throw refusalOf(error, tooLarge);
  }
}

/** On another thread. */
function inflateElsewhere(body: Buffer, options: ZlibOptions, tooLarge: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, options, (error, result) => {
      try {
        if (error !== null) throw error;
        resolve(whole(result as unknown as Inflated, body));
      } catch (failure) {
        reject(refusalOf(failure, tooLarge));
      }
    });
  });
}

/**
 * A body whose last four bytes claim more than is allowed. They lie when it is cut or damaged, and that is answered
 * otherwise: so it is inflated once for its size alone, keeping nothing, before anything is kept.
 */
async function inflateDoubtful(body: Buffer, limitBytes: number, tooLarge: string): Promise<Buffer> {
  const size = await inflatedSize(body, limitBytes, tooLarge);
  const chunkSize = Math.max(size, MIN_CHUNK_BYTES);
  return inflateElsewhere(body, { info: true, maxOutputLength: limitBytes, chunkSize }, tooLarge);
}

function inflatedSize(body: Buffer, limitBytes: number, tooLarge: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let size = 0;
    const stream = createGunzip({ chunkSize: COUNTED_CHUNK_BYTES });
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      release(chunk);
      if (size > limitBytes) stream.destroy(new Refusal('too_large', tooLarge));
    });
    stream.once('end', () => resolve(size));
    stream.once('error', (error) => reject(refusalOf(error, tooLarge)));
    stream.end(body);
  });
}

/** zlib stops in silence at a zero byte behind a member, which would acknowledge what it did not read. */
function whole({ buffer, engine }: Inflated, body: Buffer): Buffer {
  if (engine.bytesWritten !== body.length) throw new Refusal('corrupt_compression', 'gzip: invalid header');
  return buffer;
}

/** Room for what the body's trailer claims, so that it usually inflates into one buffer; bounded, it may lie. */
function chunkBytes(body: Buffer, claimed: number): number {
  return Math.max(MIN_CHUNK_BYTES, Math.min(claimed, body.length * MAX_RATIO));
}

function refusalOf(error: unknown, tooLarge: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ERR_BUFFER_TOO_LARGE':
      return new Refusal('too_large', tooLarge);
    case 'Z_BUF_ERROR':
      return new Refusal('corrupt_compression', 'unexpected EOF');
    case 'Z_DATA_ERROR':
      return new Refusal('corrupt_compression', gzipText(error.message));
    default:
      return error;
  }
}

function gzipText(message: string): string {
  if (message === 'incorrect header check') return 'gzip: invalid header';
  if (message === 'incorrect data check' || message === 'incorrect length check') return 'gzip: invalid checksum';
  return `flate: corrupt input: ${message}`;
}
