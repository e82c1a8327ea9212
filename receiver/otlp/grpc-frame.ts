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
  #chunks: Buffer[] = [];
  #size = 0;
  /** Length of the message, -1 until the prefix is complete. */
  #length = -1;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Takes the next bytes; throws a Refusal as soon as they cannot become a good message. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#length < 0 && this.#size >= PREFIX_BYTES) this.#readPrefix();
    if (this.#length >= 0 && this.#size > PREFIX_BYTES + this.#length) {
      throw new Refusal('bad_frame', 'grpc: more than one message in a unary request');
    }
  }

  /** The message, when the stream has ended. */
  finish(): GrpcMessage {
    if (this.#size === 0) throw new Refusal('bad_frame', 'EOF');
    if (this.#size !== PREFIX_BYTES + this.#length) throw new Refusal('bad_frame', 'unexpected EOF');
    const bytes = this.#joined();
    return { compressed: bytes[0] === 1, body: bytes.subarray(PREFIX_BYTES) };
  }

  #readPrefix(): void {
    const prefix = this.#joined();
    this.#chunks = [prefix];
    this.#length = prefix.readUInt32BE(1);
    if (this.#length > this.#limitBytes) {
      throw new Refusal(
        'too_large',
        `grpc: received message larger than max (${this.#length} vs. ${this.#limitBytes})`,
      );
    }
    if (prefix[0]! > 1) throw new Refusal('bad_frame', `grpc: received unexpected payload format ${prefix[0]}`);
  }

  #joined(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size);
  }
}

/** An uncompressed message with its prefix. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}
