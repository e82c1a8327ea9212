/**
 * The 64-bit hash of a span's mapped fields: says whether two spans of one id have the same content, and which wins.
 * Owns the algorithm; it is stored in the ledger, so changing it is a change of the data format.
 * Two 32-bit multiplicative lanes over the fields in a fixed order, each mixed at the end (murmur3's finaliser).
 */
import type { Instant } from '../../schema/rows.ts';

export class ContentHash {
  #a = 0;
  #b = 0;

  reset(): void {
    this.#a = 0x811c9dc5;
    this.#b = 0x1b873593;
  }

  word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x01000193);
    this.#b = Math.imul(this.#b ^ value, 0x85ebca6b) + 0x9e3779b9;
  }

  text(text: string): void {
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul((b << 5) ^ (b >>> 27) ^ unit, 0x85ebca6b);
    }
    this.#a = a;
    this.#b = b;
    this.word(text.length);
  }

  instant(instant: Instant): void {
    this.word((instant.us % 0x1_0000_0000) | 0);
    this.word(Math.floor(instant.us / 0x1_0000_0000));
    this.word(instant.ns);
  }

  get high(): number {
    return finish(this.#a ^ (this.#b >>> 16));
  }

  get low(): number {
    return finish(this.#b ^ Math.imul(this.#a, 0xc2b2ae35));
  }
}

function finish(h: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
