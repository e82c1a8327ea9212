/**
 * The attribute keys that the dialects and the interpreter ask for, each with a slot number, found by bytes.
 * Owns the look-up only: most attributes of a span are of no interest and are told apart by length and first byte.
 */
import { Buffer } from 'node:buffer';

interface Candidate {
  readonly bytes: Buffer;
  readonly slot: number;
}

export class AttributeKeys {
  readonly #slots = new Map<string, number>();
  readonly #byLength: Candidate[][] = [];

  /** The slot of a key; a new one when the key is not known yet. Called while compiling, never per span. */
  slot(key: string): number {
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    const bytes = Buffer.from(key, 'utf8');
    this.#slots.set(key, slot);
    (this.#byLength[bytes.length] ??= []).push({ bytes, slot });
    return slot;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** The slot of the key at buffer[start, end), or -1. */
  find(buffer: Uint8Array, start: number, end: number): number {
    const candidates = this.#byLength[end - start];
    if (candidates === undefined) return -1;
    for (const { bytes, slot } of candidates) {
      if (equalAt(bytes, buffer, start)) return slot;
    }
    return -1;
  }
}

function equalAt(bytes: Buffer, buffer: Uint8Array, start: number): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== buffer[start + i]) return false;
  }
  return true;
}
