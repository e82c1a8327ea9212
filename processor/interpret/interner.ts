/**
 * One string per distinct byte sequence: names repeat endlessly, and decoding them anew would fill the heap.
 * Owns a bounded open-addressing table keyed by bytes; past the bound, long or rare texts are simply decoded.
 */
import { Buffer } from 'node:buffer';

const MAX_INTERNED_BYTES = 64;

export class Interner {
  readonly #capacity: number;
  readonly #mask: number;
  readonly #strings: (string | undefined)[];
  readonly #bytes: (Buffer | undefined)[];
  #size = 0;

  /** @param capacity number of distinct strings kept; rounded up to a power of two. */
  constructor(capacity = 1 << 14) {
    const slots = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#capacity = capacity;
    this.#mask = slots - 1;
    this.#strings = Array.from({ length: slots });
    this.#bytes = Array.from({ length: slots });
  }

  /** The text of buffer[start, end); invalid UTF-8 becomes U+FFFD. */
  text(buffer: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > MAX_INTERNED_BYTES) return buffer.toString('utf8', start, end);
    let slot = hash(buffer, start, end) & this.#mask;
    for (;;) {
      const known = this.#bytes[slot];
      if (known === undefined) break;
      if (known.length === length && same(known, buffer, start)) return this.#strings[slot]!;
      slot = (slot + 1) & this.#mask;
    }
    const text = buffer.toString('utf8', start, end);
    if (this.#size < this.#capacity) {
      this.#size++;
      this.#strings[slot] = text;
      this.#bytes[slot] = Buffer.from(buffer.subarray(start, end));
    }
    return text;
  }
}

/** FNV-1a, 32 bits. */
function hash(buffer: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ buffer[i]!, 0x01000193);
  return h ^ (h >>> 15);
}

function same(known: Buffer, buffer: Uint8Array, start: number): boolean {
  for (let i = 0; i < known.length; i++) {
    if (known[i] !== buffer[start + i]) return false;
  }
  return true;
}
