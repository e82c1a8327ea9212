/**
 * One span as it stands on the wire (opentelemetry.proto.trace.v1.Span), read into a reused record.
 * Owns the field numbers of Span, Status and Event; knows no dialect.
 */
import type { Buffer } from 'node:buffer';
import type { Instant } from '../../schema/rows.ts';
import { AttributeValues } from './attribute-values.ts';
import type { Interner } from './interner.ts';
import { messageEnd, readId, readInstant, type Reader } from './reader.ts';

const EPOCH: Instant = { us: 0, ns: 0 };

export class RawSpan {
  traceId = '';
  spanId = '';
  parentSpanId = '';
  traceState = '';
  flags = 0;
  name = '';
  start: Instant = EPOCH;
  end: Instant = EPOCH;
  status = 0;
  statusMessage = '';
  readonly attributes: AttributeValues;
  /** Attributes of the last event named `exception`; clear when there is none. */
  readonly exception: AttributeValues;
  readonly #interner: Interner;
  /** Start and end offsets of the span's events, in turn. */
  readonly #events: number[] = [];

  constructor(newValues: () => AttributeValues, interner: Interner) {
    this.attributes = newValues();
    this.exception = newValues();
    this.#interner = interner;
  }

  /** Reads the Span message that ends at `end`. */
  read(reader: Reader, end: number): void {
    this.#reset(reader);
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag) {
        case 0x0a:
          this.traceId = readId(reader);
          break;
        case 0x12:
          this.spanId = readId(reader);
          break;
        case 0x1a:
          this.traceState = this.#text(reader);
          break;
        case 0x22:
          this.parentSpanId = readId(reader);
          break;
        case 0x2a:
          this.name = this.#text(reader);
          break;
        case 0x39:
          this.start = readInstant(reader);
          break;
        case 0x41:
          this.end = readInstant(reader);
          break;
        case 0x4a:
          this.attributes.readKeyValue(messageEnd(reader));
          break;
        case 0x5a:
          this.#noteEvent(reader);
          break;
        case 0x7a:
          this.#readStatus(reader, messageEnd(reader));
          break;
        case 0x85:
          this.flags = reader.fixed32();
          break;
        default:
          reader.skipType(tag & 7);
      }
    }
    this.#readException(reader);
    reader.pos = end;
  }

  #reset(reader: Reader): void {
    this.traceId = this.spanId = this.parentSpanId = this.traceState = this.name = this.statusMessage = '';
    this.flags = this.status = 0;
    this.start = this.end = EPOCH;
    this.#events.length = 0;
    this.attributes.clear(reader);
    this.exception.clear(reader);
  }

  #text(reader: Reader): string {
    const length = reader.uint32();
    const start = reader.pos;
    reader.pos += length;
    return this.#interner.text(reader.buf as Buffer, start, reader.pos);
  }

  /** Status { message = 2, code = 3 }; a repeated status is merged (protobuf). */
  #readStatus(reader: Reader, end: number): void {
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === 0x12) this.statusMessage = this.#text(reader);
      else if (tag === 0x18) this.status = reader.int32();
      else reader.skipType(tag & 7);
    }
  }

  #noteEvent(reader: Reader): void {
    const length = reader.uint32();
    this.#events.push(reader.pos, reader.pos + length);
    reader.pos += length;
  }

  /** Finds the last event named `exception` (OTel: exceptions are events) and reads its attributes. */
  #readException(reader: Reader): void {
    for (let i = this.#events.length - 2; i >= 0; i -= 2) {
      reader.pos = this.#events[i]!;
      if (this.#readEvent(reader, this.#events[i + 1]!) === 'exception') return;
      this.exception.clear(reader);
    }
  }

  /** Event { name = 2, attributes = 3 }; leaves the attributes in `exception` and returns the name. */
  #readEvent(reader: Reader, end: number): string {
    let name = '';
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === 0x12) name = this.#text(reader);
      else if (tag === 0x1a) this.exception.readKeyValue(messageEnd(reader));
      else reader.skipType(tag & 7);
    }
    return name;
  }
}
