/**
 * Puts the one message of a unary gRPC request together from DATA chunks of any cut, and frames answers.
 * Owns the five-byte prefix: 1 byte compressed flag, 4 bytes length. A length beyond the limit is refused as soon as
 * it is read, before any of the message is kept.
 * Source: grpc/grpc doc/PROTOCOL-HTTP2.md; texts of grpc-go.
 */
import { Refusal } from './refusal.ts';

const PREFIX_BYTES = 5;

export interface GrpcMessage {
  readonly compressed: boolean;
  readonly body: Buffer;
}

export class GrpcMessageReader {
  readonly #limitBytes: number;
  /** The prefix, as far as it came. */
  #prefix: Buffer = Buffer.alloc(0);
  /** Room for the message; undefined until the prefix is complete. */
  #body: Buffer | undefined;
  /** Bytes of the message that came. */
  #filled = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Takes the next bytes; throws a Refusal as soon as they cannot become a good message. */
  push(chunk: Buffer): void {
    if (this.#body !== undefined) return this.#add(this.#body, chunk);
    const missing = PREFIX_BYTES - this.#prefix.length;
    this.#prefix = Buffer.concat([this.#prefix, chunk.subarray(0, missing)]);
    if (this.#prefix.length < PREFIX_BYTES) return;
    const length = this.#readLength();
    const rest = chunk.subarray(missing);
    // A message that came in one piece is read where it stands; else one piece of memory takes the chunks.
    if (rest.length === length) {
      this.#body = rest;
      this.#filled = length;
    } else {
      this.#body = Buffer.allocUnsafeSlow(length);
      this.#add(this.#body, rest);
    }
  }

  /** The message, when the stream has ended. */
  finish(): GrpcMessage {
    const body = this.#body;
    if (body === undefined && this.#prefix.length === 0) throw new Refusal('bad_frame', 'EOF');
    if (body === undefined || this.#filled !== body.length) throw new Refusal('bad_frame', 'unexpected EOF');
    return { compressed: this.#prefix[0] === 1, body };
  }

  #add(body: Buffer, chunk: Buffer): void {
    if (this.#filled + chunk.length > body.length) {
      throw new Refusal('bad_frame', 'grpc: more than one message in a unary request');
    }
    chunk.copy(body, this.#filled);
    this.#filled += chunk.length;
  }

  #readLength(): number {
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#limitBytes) {
      throw new Refusal('too_large', `grpc: received message larger than max (${length} vs. ${this.#limitBytes})`);
    }
    const format = this.#prefix[0]!;
    if (format > 1) throw new Refusal('bad_frame', `grpc: received unexpected payload format ${format}`);
    return length;
  }
}

/** An uncompressed message with its prefix. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}
