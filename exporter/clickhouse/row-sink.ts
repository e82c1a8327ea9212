/**
 * A growing buffer and the RowBinary encoding of single values into it (clickhouse.com/docs/interfaces/formats/RowBinary).
 * Owns the bytes until `take`. Little endian throughout; DateTime64 and UInt64 from numbers by 32-bit arithmetic,
 * because a BigInt per value costs more than the rest of the row.
 */
import type { Instant, RunKey } from '../../schema/rows.ts';

const two32 = 4_294_967_296;
/** Beyond it an array's varuint length, or a string's, would be longer than this code reserves. */
const longestVarintBytes = 5;
/** Up to this length a loop over char codes (2 ns each) is faster than a call into Buffer (30 ns whatever the length). */
const shortStringChars = 14;
const longestOneByteLength = 0x7f;

/** 2299-12-31T23:59:59.999Z, the last DateTime64(3) that ClickHouse computes with, in µs. */
export const lastDateTime64Us = 10_413_791_999_999_000;

const hexDigits = '0123456789abcdef';
const hexPairs = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  // Little endian pair: first digit in the low byte.
  hexPairs[byte] = hexDigits.charCodeAt(byte >>> 4) | (hexDigits.charCodeAt(byte & 15) << 8);
}

export class RowSink {
  #buffer: Buffer;
  #view: DataView;
  #position = 0;
  readonly #initialBytes: number;
  #spare: Buffer | undefined;
  /** The run key and the trace id written last, and where: neighbouring rows share them. */
  #key: RunKey | undefined;
  #keyStart = 0;
  #keyEnd = 0;
  #trace: string | undefined;
  #traceStart = 0;

  constructor(initialBytes = 65_536) {
    this.#initialBytes = initialBytes;
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#position;
  }

  /** Hands over what was written and starts anew, with as much room as was needed this time. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#position);
    const room = Math.max(this.#initialBytes, 2 ** Math.ceil(Math.log2(this.#position + 1)));
    const spare = this.#spare;
    this.#spare = undefined;
    this.#buffer =
      spare !== undefined && spare.length >= room && spare.length <= room * 4 ? spare : Buffer.allocUnsafeSlow(room);
    this.#view = new DataView(this.#buffer.buffer);
    this.#position = 0;
    this.#key = undefined;
    this.#trace = undefined;
    return bytes;
  }

  /** Gives back bytes that were taken and that nobody reads any more: fresh memory costs more than encoding into it. */
  recycle(bytes: Buffer): void {
    this.#spare = Buffer.from(bytes.buffer);
  }

  /** Forgets everything written after `length`: half a row must not stay when its second half cannot be encoded. */
  rewind(length: number): void {
    this.#position = length;
    this.#key = undefined;
    this.#trace = undefined;
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#position++] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#position, value, true);
    this.#position += 2;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#position, value, true);
    this.#position += 4;
  }

  /** A non-negative integer below 2^53. */
  uint64(value: number): void {
    this.words((value / two32) >>> 0, value >>> 0);
  }

  /** A 64-bit value of two words. */
  words(high: number, low: number): void {
    this.#reserve(8);
    this.#view.setUint32(this.#position, low, true);
    this.#view.setUint32(this.#position + 4, high, true);
    this.#position += 8;
  }

  /** Nullable(UInt64). */
  nullableUint64(value: number | null): void {
    this.uint8(value === null ? 1 : 0);
    if (value !== null) this.uint64(value);
  }

  /** DateTime64(3), from µs; clamped to 1970..2299. */
  millis(us: number): void {
    this.uint64(Math.floor(clampUs(us) / 1_000));
  }

  /** Nullable(DateTime64(3)). */
  nullableMillis(at: Instant | null): void {
    this.uint8(at === null ? 1 : 0);
    if (at !== null) this.millis(at.us);
  }

  /** DateTime64(9); clamped to 1970..2255 (2^53 µs, within the type's 2262). */
  nanos(at: Instant): void {
    const us = at.us < 0 ? 0 : Math.min(at.us, Number.MAX_SAFE_INTEGER);
    // us × 1000 + ns in two words: the low product stays below 2^43, so doubles hold it exactly.
    const low = (us >>> 0) * 1_000 + (at.us < 0 ? 0 : at.ns);
    this.words(Math.floor(us / two32) * 1_000 + Math.floor(low / two32), low >>> 0);
  }

  /** LEB128, below 2^32: lengths of strings and arrays. */
  varuint(value: number): void {
    this.#reserve(longestVarintBytes);
    if (value < 0x80) {
      this.#buffer[this.#position++] = value;
      return;
    }
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#position++] = rest;
  }

  string(text: string): void {
    const length = text.length;
    // Half of the texts of a ledger row are empty.
    if (length === 0) this.uint8(0);
    else if (length <= shortStringChars) this.#shortString(text, length);
    else if (length <= longestOneByteLength) this.#mediumString(text, length);
    else this.#longString(text);
  }

  /** FixedString(bytes) from a latin1 string of exactly that length; '' = zeros. */
  fixed(latin1: string, bytes: number): void {
    this.#reserve(bytes);
    if (latin1.length === bytes) {
      if (bytes > shortStringChars) this.#buffer.write(latin1, this.#position, 'latin1');
      else for (let index = 0; index < bytes; index++) this.#buffer[this.#position + index] = latin1.charCodeAt(index);
    } else if (latin1.length === 0) {
      this.#buffer.fill(0, this.#position, this.#position + bytes);
    } else {
      throw new RangeError(`an id has ${latin1.length} bytes, expected ${bytes}`);
    }
    this.#position += bytes;
  }

  /** String: the bytes of a trace id (a latin1 string) in lower-case hex. Repeated for the rows of one trace. */
  traceHex(latin1: string): void {
    if (latin1 === this.#trace) {
      this.#repeat(this.#traceStart, this.#traceStart + 1 + latin1.length * 2);
      return;
    }
    const start = this.#position;
    this.hex(latin1);
    this.#trace = latin1;
    this.#traceStart = start;
  }

  /** String: the bytes of a latin1 string of less than 64 characters in lower-case hex. */
  hex(latin1: string): void {
    const length = latin1.length;
    if (length * 2 > longestOneByteLength) throw new RangeError(`an id has ${length} bytes, expected at most 63`);
    this.#reserve(length * 2 + 1);
    this.#buffer[this.#position++] = length * 2;
    for (let index = 0; index < length; index++) {
      this.#view.setUint16(this.#position, hexPairs[latin1.charCodeAt(index) & 0xff]!, true);
      this.#position += 2;
    }
  }

  /** opened_day, environment, process, run_id. Repeated for the steps of one run. */
  runKey(key: RunKey): void {
    const last = this.#key;
    if (
      last !== undefined &&
      (last === key ||
        (last.runId === key.runId &&
          last.process === key.process &&
          last.environment === key.environment &&
          last.openedDay === key.openedDay))
    ) {
      this.#repeat(this.#keyStart, this.#keyEnd);
      return;
    }
    this.#keyStart = this.#position;
    this.uint16(key.openedDay);
    this.string(key.environment);
    this.string(key.process);
    this.string(key.runId);
    this.#keyEnd = this.#position;
    this.#key = key;
  }

  /** Bytes that are already encoded, such as an aggregate function's state. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#position);
    this.#position += bytes.length;
  }

  #shortString(text: string, length: number): void {
    this.#reserve(length + 1);
    const buffer = this.#buffer;
    let position = this.#position;
    buffer[position++] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return this.#mediumString(text, length);
      buffer[position++] = code;
    }
    this.#position = position;
  }

  /** Written after the one byte that its length takes when it is ASCII; moved up when it takes two. */
  #mediumString(text: string, length: number): void {
    this.#reserve(length * 3 + 2);
    const start = this.#position;
    const byteLength = this.#buffer.write(text, start + 1, 'utf8');
    if (byteLength > longestOneByteLength) {
      this.#buffer.copyWithin(start + 2, start + 1, start + 1 + byteLength);
      this.varuint(byteLength);
    } else {
      this.#buffer[this.#position++] = byteLength;
    }
    this.#position += byteLength;
  }

  #longString(text: string): void {
    const byteLength = Buffer.byteLength(text);
    this.varuint(byteLength);
    this.#reserve(byteLength);
    this.#position += this.#buffer.write(text, this.#position, 'utf8');
  }

  /** Copies bytes written before. */
  #repeat(start: number, end: number): void {
    this.#reserve(end - start);
    this.#buffer.copyWithin(this.#position, start, end);
    this.#position += end - start;
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes > this.#buffer.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#position + bytes));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function clampUs(us: number): number {
  return us < 0 ? 0 : Math.min(us, lastDateTime64Us);
}
