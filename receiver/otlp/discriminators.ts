/**
 * All dialects' discriminators as byte matchers: is the span that carries this attribute to be kept?
 * Owns the compiled keys and what was seen of them in the span being read; knows no dialect and no wire format.
 * The first occurrence of a key counts, as the Collector's Map.Get does.
 */
import type { Dialect } from '../../schema/dialect.ts';

/** Bits of a match. UNDECIDED comes with TAGGED: some matching discriminator has `mayBeUndecided`. */
export const TAGGED = 1;
export const UNDECIDED = 2;

const MAX_KEY_BYTES = 127;

interface Key {
  readonly bytes: Buffer;
  /** The span in which it occurred last. */
  seenIn: number;
  /** Bits that the key's presence gives. */
  presence: number;
  readonly values: { readonly bytes: Buffer; bits: number }[];
}

export class Discriminators {
  /**
   * By key length: a bit for each first byte (mod 32) that occurs, so that most keys are passed over by one test.
   * The innermost loop reads it itself.
   */
  readonly firstBytes = new Int32Array(MAX_KEY_BYTES + 1);
  readonly #keysByLength: Key[][] = Array.from({ length: MAX_KEY_BYTES + 1 }, () => []);
  /** Number of the span being read. */
  #span = 0;

  constructor(dialects: readonly Dialect[]) {
    for (const { when } of dialects.flatMap((dialect) => dialect.roles)) {
      const key = this.#keyFor(Buffer.from(when.attribute));
      const bits = TAGGED | (when.mayBeUndecided === true ? UNDECIDED : 0);
      if (when.values === undefined) key.presence |= bits;
      for (const value of when.values ?? []) addValue(key, Buffer.from(value), bits);
    }
  }

  /** Forgets the span before. */
  begin(): void {
    this.#span++;
  }

  /** False: no discriminator has a key of that length and first byte. Cheap enough for every attribute. */
  mayMatch(keyLength: number, firstByte: number): boolean {
    return keyLength <= MAX_KEY_BYTES && ((this.firstBytes[keyLength]! >>> (firstByte & 31)) & 1) !== 0;
  }

  /**
   * The bits that one attribute of the span gives. The value is `buf[valueAt, valueEnd)`;
   * `valueAt` is -1 when it is no string, which only a test for presence accepts.
   */
  match(buf: Uint8Array, keyAt: number, keyLength: number, valueAt: number, valueEnd: number): number {
    for (const key of this.#keysByLength[keyLength] ?? []) {
      if (!equals(key.bytes, buf, keyAt, keyAt + keyLength)) continue;
      if (key.seenIn === this.#span) return 0;
      key.seenIn = this.#span;
      let bits = key.presence;
      if (valueAt < 0) return bits;
      for (const value of key.values) if (equals(value.bytes, buf, valueAt, valueEnd)) bits |= value.bits;
      return bits;
    }
    return 0;
  }

  #keyFor(bytes: Buffer): Key {
    if (bytes.length === 0 || bytes.length > MAX_KEY_BYTES) {
      throw new RangeError(`discriminator attribute "${bytes.toString()}": expected 1 to ${MAX_KEY_BYTES} bytes`);
    }
    const keys = this.#keysByLength[bytes.length]!;
    const known = keys.find((key) => key.bytes.equals(bytes));
    if (known !== undefined) return known;
    const key: Key = { bytes, seenIn: -1, presence: 0, values: [] };
    keys.push(key);
    this.firstBytes[bytes.length]! |= 1 << (bytes[0]! & 31);
    return key;
  }
}

function addValue(key: Key, bytes: Buffer, bits: number): void {
  const known = key.values.find((value) => value.bytes.equals(bytes));
  if (known === undefined) key.values.push({ bytes, bits });
  else known.bits |= bits;
}

function equals(expected: Uint8Array, buf: Uint8Array, start: number, end: number): boolean {
  if (end - start !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (buf[start + i] !== expected[i]) return false;
  return true;
}
