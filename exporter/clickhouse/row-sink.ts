/**
 * A growing buffer and the RowBinary encoding of single values into it (clickhouse.com/docs/interfaces/formats/RowBinary).
 * Owns the bytes until `take`. Little endian throughout; DateTime64 and UInt64 from numbers by 32-bit arithmetic,
 * because a BigInt per value costs more than the rest of the row.
 *
 * A row is written from `begin` to `end`; each method takes the place to write at and returns the place behind, because a
 * local variable costs a third of a field. Invariant: a row begins with `roomBytes` of room and so does what follows a long
 * text; values of fixed size and short texts, which a row has few of, rely on it. A DataView throws where it does not hold.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { Instant, RunKey, SpanRecord } from '../../schema/rows.ts';
import { IdBytes } from './id-bytes.ts';

const two32 = 4_294_967_296;
/** More than the values of fixed size and the short texts of any row, and the longest text of one length byte, together. */
const roomBytes = 2_048;
/** Up to this length a loop over char codes (2 ns each) is faster than a call into Buffer (30 ns whatever the length). */
const shortStringChars = 14;
const longestOneByteLength = 0x7f;
/** Copies go by words, and so may write up to 7 bytes more than they should; what follows overwrites them. */
const wordBytes = 8;
const longestCopiedByWords = 256;
const traceIdBytes = 16;
const spanIdBytes = 8;
/** Of one span in all its arrays but span_details: ids 16 + 8 + 8, hash 8, times 8 + 8, status 1. */
const spanBytes = 57;

/** 2299-12-31T23:59:59.999Z, the last DateTime64(3) that ClickHouse computes with, in µs. */
export const lastDateTime64Us = 10_413_791_999_999_000;

/** The columns whose text is mostly that of the row before (see `repeated`). */
export const RepeatedColumn = {
  WRITER: 0,
  SERVICE: 1,
  SERVICE_VERSION: 2,
  DIALECT: 3,
  STATE: 4,
  KIND: 5,
  DETAILS: 6,
  ENVIRONMENT: 7,
  PROCESS: 8,
};
const repeatedColumns = 9;

export class RowSink {
  #buffer: Buffer;
  #view: DataView;
  #position = 0;
  readonly #initialBytes: number;
  #spare: Buffer | undefined;
  /** The run key and the ids written last, and where: neighbouring rows share them. */
  #key: RunKey | undefined;
  #keyStart = 0;
  #keyEnd = 0;
  #traceHex: string | undefined;
  #traceHexStart = 0;
  readonly #trace = new IdBytes(traceIdBytes);
  readonly #span = new IdBytes(spanIdBytes);
  readonly #parent = new IdBytes(spanIdBytes);
  /** The last texts of the repeated columns and where their encoding is. */
  readonly #texts: (string | undefined)[] = Array.from({ length: repeatedColumns });
  readonly #textStarts = new Int32Array(repeatedColumns);
  readonly #textEnds = new Int32Array(repeatedColumns);

  constructor(initialBytes = 65_536) {
    this.#initialBytes = Math.max(initialBytes, roomBytes);
    this.#buffer = Buffer.allocUnsafeSlow(this.#initialBytes);
    this.#view = new DataView(this.#buffer.buffer);
  }

  get length(): number {
    return this.#position;
  }

  /** Hands over what was written and starts anew, with as much room as was needed this time. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#position);
    const room = Math.max(this.#initialBytes, 2 ** Math.ceil(Math.log2(this.#position + roomBytes)));
    const spare = this.#spare;
    this.#spare = undefined;
    this.#buffer =
      spare !== undefined && spare.length >= room && spare.length <= room * 4 ? spare : Buffer.allocUnsafeSlow(room);
    this.#view = new DataView(this.#buffer.buffer);
    this.#position = 0;
    this.forget();
    return bytes;
  }

  /** Gives back bytes that were taken and that nobody reads any more: fresh memory costs more than encoding into it. */
  recycle(bytes: Buffer): void {
    this.#spare = Buffer.from(bytes.buffer);
  }

  /** To be called when a row could not be encoded: nothing is repeated from bytes that will be written over. */
  forget(): void {
    this.#key = undefined;
    this.#traceHex = undefined;
    this.#texts.fill(undefined);
  }

  /** Where the next row begins. A row that is begun and never ended leaves nothing behind. */
  begin(): number {
    return this.#withRoom(this.#position);
  }

  /** The row ends there. */
  end(at: number): void {
    this.#position = at;
  }

  uint8(at: number, value: number): number {
    this.#view.setUint8(at, value);
    return at + 1;
  }

  uint16(at: number, value: number): number {
    this.#view.setUint16(at, value, true);
    return at + 2;
  }

  uint32(at: number, value: number): number {
    this.#view.setUint32(at, value, true);
    return at + 4;
  }

  /** A non-negative integer below 2^53. */
  uint64(at: number, value: number): number {
    return this.words(at, value / two32, value);
  }

  /** version, is_deleted. */
  version(at: number, row: { readonly version: number; readonly deleted: boolean }): number {
    const view = this.#view;
    const { version } = row;
    view.setUint32(at, version, true);
    view.setUint32(at + 4, version / two32, true);
    view.setUint8(at + 8, row.deleted ? 1 : 0);
    return at + 9;
  }

  /** A 64-bit value of two words. */
  words(at: number, high: number, low: number): number {
    this.#view.setUint32(at, low, true);
    this.#view.setUint32(at + 4, high, true);
    return at + 8;
  }

  /** Nullable(UInt64). */
  nullableUint64(at: number, value: number | null): number {
    if (value === null) return this.uint8(at, 1);
    return this.uint64(this.uint8(at, 0), value);
  }

  /** DateTime64(3), from µs; clamped to 1970..2299. */
  millis(at: number, us: Micros): number {
    writeMillis(this.#view, at, us);
    return at + 8;
  }

  /** The same of an instant. A number that is no small integer costs an allocation wherever a call is not inlined. */
  instant(at: number, instant: Instant): number {
    writeMillis(this.#view, at, instant.us);
    return at + 8;
  }

  /** Nullable(DateTime64(3)). */
  nullableMillis(at: number, instant: Instant | null): number {
    if (instant === null) return this.uint8(at, 1);
    return this.instant(this.uint8(at, 0), instant);
  }

  /** DateTime64(9); clamped to 1970..2255 (2^53 µs, within the type's 2262). */
  nanos(at: number, instant: Instant): number {
    writeNanos(this.#view, at, instant);
    return at + 8;
  }

  /** LEB128, below 2^32: lengths of strings and arrays. */
  varuint(at: number, value: number): number {
    let end = at;
    let rest = value;
    while (rest >= 0x80) {
      end = this.uint8(end, (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    return this.uint8(end, rest);
  }

  string(at: number, text: string): number {
    // Half of the texts of a ledger row are empty.
    return text.length === 0 ? this.uint8(at, 0) : this.#string(at, text, text.length);
  }

  /** A text that is mostly that column's last one: comparing costs 1 ns when it is the same object, copying 5 ns. */
  repeated(at: number, column: number, text: string): number {
    if (text === this.#texts[column]) return this.#repeat(at, this.#textStarts[column]!, this.#textEnds[column]!);
    const end = this.string(at, text);
    this.#texts[column] = text;
    this.#textStarts[column] = at;
    this.#textEnds[column] = end;
    return end;
  }

  /** String: the bytes of a trace id (a latin1 string) in lower-case hex. Repeated for the rows of one trace. */
  traceHex(at: number, latin1: string): number {
    if (latin1 === this.#traceHex) {
      return this.#repeat(at, this.#traceHexStart, this.#traceHexStart + 1 + latin1.length * 2);
    }
    const end = this.#hex(at, this.#trace, latin1);
    this.#traceHex = latin1;
    this.#traceHexStart = at;
    return end;
  }

  /** String: the bytes of a span id (a latin1 string) in lower-case hex. */
  spanHex(at: number, latin1: string): number {
    return this.#hex(at, this.#span, latin1);
  }

  /** opened_day, environment, process, run_id. Repeated for the steps of one run. */
  runKey(at: number, key: RunKey): number {
    const last = this.#key;
    if (last !== undefined && (last === key || isSameKey(last, key))) {
      return this.#repeat(at, this.#keyStart, this.#keyEnd);
    }
    let end = this.uint16(at, key.openedDay);
    end = this.repeated(end, RepeatedColumn.ENVIRONMENT, key.environment);
    end = this.repeated(end, RepeatedColumn.PROCESS, key.process);
    end = this.string(end, key.runId);
    this.#key = key;
    this.#keyStart = at;
    this.#keyEnd = end;
    return end;
  }

  /** The parallel arrays span_trace_ids … span_details, in one pass over the spans. */
  spans(at: number, spans: readonly SpanRecord[]): number {
    const count = spans.length;
    this.#withRoom(at, count * spanBytes);
    const traces = this.varuint(at, count);
    const ids = this.varuint(traces + count * traceIdBytes, count);
    const parents = this.varuint(ids + count * spanIdBytes, count);
    const hashes = this.varuint(parents + count * spanIdBytes, count);
    const starts = this.varuint(hashes + count * 8, count);
    const ends = this.varuint(starts + count * 8, count);
    const statuses = this.varuint(ends + count * 8, count);
    const view = this.#view;
    for (let index = 0; index < count; index++) {
      const span = spans[index]!;
      const eighth = index * 8;
      this.#trace.write(view, traces + index * traceIdBytes, span.traceId);
      this.#span.write(view, ids + eighth, span.spanId);
      this.#parent.write(view, parents + eighth, span.parentSpanId);
      view.setUint32(hashes + eighth, span.hashLow, true);
      view.setUint32(hashes + eighth + 4, span.hashHigh, true);
      writeNanos(view, starts + eighth, span.start);
      writeNanos(view, ends + eighth, span.end);
      view.setUint8(statuses + index, span.status);
    }
    let end = this.varuint(statuses + count, count);
    for (let index = 0; index < count; index++) {
      end = this.#withRoom(this.repeated(end, RepeatedColumn.DETAILS, spans[index]!.details));
    }
    return end;
  }

  /** Bytes that are already encoded, such as an aggregate function's state. */
  raw(at: number, bytes: Uint8Array): number {
    const start = this.#withRoom(at, bytes.length);
    this.#buffer.set(bytes, start);
    return start + bytes.length;
  }

  #string(at: number, text: string, length: number): number {
    if (length <= shortStringChars) return this.#shortString(at, text, length);
    return this.#withRoom(length <= longestOneByteLength ? this.#mediumString(at, text) : this.#longString(at, text));
  }

  #shortString(at: number, text: string, length: number): number {
    const view = this.#view;
    view.setUint8(at, length);
    let end = at + 1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return this.#mediumString(at, text);
      view.setUint8(end++, code);
    }
    return end;
  }

  /** Written after the one byte that its length takes when it is ASCII; moved up when it takes two. */
  #mediumString(at: number, text: string): number {
    const byteLength = this.#buffer.write(text, at + 1, 'utf8');
    if (byteLength <= longestOneByteLength) {
      this.uint8(at, byteLength);
      return at + 1 + byteLength;
    }
    this.#buffer.copyWithin(at + 2, at + 1, at + 1 + byteLength);
    return this.varuint(at, byteLength) + byteLength;
  }

  #longString(at: number, text: string): number {
    const byteLength = Buffer.byteLength(text);
    const start = this.#withRoom(this.varuint(at, byteLength), byteLength);
    return start + this.#buffer.write(text, start, 'utf8');
  }

  #hex(at: number, bytes: IdBytes, id: string): number {
    const length = id.length * 2;
    this.#view.setUint8(at, length);
    if (length !== 0) bytes.writeHex(this.#view, at + 1, id);
    return at + 1 + length;
  }

  /** Copies bytes written before. By words: below 100 bytes a call of copyWithin costs more. */
  #repeat(at: number, start: number, end: number): number {
    const length = end - start;
    if (length > longestCopiedByWords) return this.#repeatLong(at, start, length);
    const view = this.#view;
    for (let offset = 0; offset < length; offset += wordBytes) {
      // Optimized code makes no BigInt of it.
      view.setBigUint64(at + offset, view.getBigUint64(start + offset, true), true);
    }
    return this.#withRoom(at + length);
  }

  #repeatLong(at: number, start: number, length: number): number {
    this.#withRoom(at, length);
    this.#buffer.copyWithin(at, start, start + length);
    return at + length;
  }

  /** Makes room for that many bytes and the values of fixed size behind them; returns `at`. */
  #withRoom(at: number, bytes = 0): number {
    if (at + bytes + roomBytes > this.#buffer.length) this.#grow(at, bytes);
    return at;
  }

  #grow(at: number, bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, at + bytes + roomBytes));
    this.#buffer.copy(grown, 0, 0, at);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function writeMillis(view: DataView, at: number, us: Micros): void {
  const millis = Math.floor((us < 0 ? 0 : us > lastDateTime64Us ? lastDateTime64Us : us) / 1_000);
  view.setUint32(at, millis, true);
  view.setUint32(at + 4, millis / two32, true);
}

function writeNanos(view: DataView, at: number, instant: Instant): void {
  const us = instant.us < 0 ? 0 : instant.us > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : instant.us;
  // us × 1000 + ns in two words: the low product stays below 2^43, so doubles hold it exactly.
  const low = (us >>> 0) * 1_000 + (instant.us < 0 ? 0 : instant.ns);
  view.setUint32(at, low, true);
  view.setUint32(at + 4, ((us / two32) | 0) * 1_000 + ((low / two32) | 0), true);
}

function isSameKey(a: RunKey, b: RunKey): boolean {
  return (
    a.runId === b.runId && a.process === b.process && a.environment === b.environment && a.openedDay === b.openedDay
  );
}
