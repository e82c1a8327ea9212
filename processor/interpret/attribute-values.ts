/**
 * The values found for the asked-for attribute keys of one span, resource or scope: byte ranges, decoded on demand.
 * Owns the AnyValue decoding (opentelemetry.proto.common.v1): strings as they are, numbers and booleans as text;
 * bytes, arrays and maps are no identity and read as absent.
 * Reused from span to span: `clear` before each.
 */
import type { Buffer } from 'node:buffer';
import { Reader } from './reader.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import type { Interner } from './interner.ts';

const ABSENT = -1;

export class AttributeValues {
  readonly #keys: AttributeKeys;
  readonly #interner: Interner;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #reader: Reader = Reader.create(new Uint8Array(0));

  constructor(keys: AttributeKeys, interner: Interner) {
    this.#keys = keys;
    this.#interner = interner;
    this.#starts = new Int32Array(keys.size).fill(ABSENT);
    this.#ends = new Int32Array(keys.size);
  }

  /** Forgets all values; the next ones are read from `reader`, which must stay on the same buffer. */
  clear(reader: Reader): void {
    this.#reader = reader;
    this.#starts.fill(ABSENT);
  }

  /** Reads the KeyValue that ends at `end`; of a repeated key the first counts, as in the Collector's Map.Get. */
  readKeyValue(end: number): void {
    const reader = this.#reader;
    let slot = -1;
    let valueStart = ABSENT;
    let valueEnd = 0;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === 0x0a) {
        const length = reader.uint32();
        slot = this.#keys.find(reader.buf, reader.pos, reader.pos + length);
        reader.pos += length;
      } else if (tag === 0x12) {
        const length = reader.uint32();
        valueStart = reader.pos;
        valueEnd = reader.pos + length;
        reader.pos = valueEnd;
      } else {
        reader.skipType(tag & 7);
      }
    }
    if (slot === -1 || valueStart === ABSENT || this.#starts[slot] !== ABSENT) return;
    this.#starts[slot] = valueStart;
    this.#ends[slot] = valueEnd;
  }

  has(slot: number): boolean {
    return this.#starts[slot] !== ABSENT;
  }

  /** The value as text; undefined when the key is absent or its value is bytes, an array, a map or empty. */
  text(slot: number): string | undefined {
    const start = this.#starts[slot]!;
    if (start === ABSENT) return undefined;
    const reader = this.#reader;
    const back = reader.pos;
    reader.pos = start;
    const text = anyValueText(reader, this.#ends[slot]!, this.#interner);
    reader.pos = back;
    return text;
  }
}

/** AnyValue as text; of several values in the oneof the last counts (protobuf). */
function anyValueText(reader: Reader, end: number, interner: Interner): string | undefined {
  let text: string | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case 0x0a: {
        const length = reader.uint32();
        text = interner.text(reader.buf as Buffer, reader.pos, reader.pos + length);
        reader.pos += length;
        break;
      }
      case 0x10:
        text = readVarint64(reader) === 0n ? 'false' : 'true';
        break;
      case 0x18:
        text = BigInt.asIntN(64, readVarint64(reader)).toString();
        break;
      case 0x21:
        text = String(reader.double());
        break;
      case 0x2a:
      case 0x32:
      case 0x3a:
        text = undefined;
        reader.skipType(2);
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return text;
}

function readVarint64(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = reader.buf[reader.pos++]!;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
}
