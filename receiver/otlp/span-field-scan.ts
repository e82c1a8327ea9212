/**
 * Reads the fields of a span in any legal encoding, and the nested messages of all spans.
 * Owns what span-scan.ts does not read inline: long tags, empty or oddly framed ids, unknown fields, events, links,
 * status. No byte is read before it is known to be the span's.
 */
import type { AttributeScan } from './attribute-scan.ts';
import { messageIndex, type MessageValidator } from './message-validator.ts';
import { malformed, WireCursor } from './wire-cursor.ts';

const EVENT = messageIndex('Event');
const LINK = messageIndex('Link');
const STATUS = messageIndex('Status');
const LAST_SPAN_FIELD = 16;

export class SpanFieldScan {
  /** Offsets of what {@link readAll} found, -1 for what is absent or empty. */
  traceIdAt = -1;
  spanIdAt = -1;
  parentAt = -1;
  flagsAt = -1;
  /** Status code of the current span, 0 when it has none. */
  status = 0;

  readonly #attributes: AttributeScan;
  readonly #validator: MessageValidator;
  readonly #cursor = new WireCursor();

  constructor(attributes: AttributeScan, validator: MessageValidator) {
    this.#attributes = attributes;
    this.#validator = validator;
  }

  /** Begins the next span. */
  begin(): this {
    this.status = 0;
    this.#attributes.begin();
    return this;
  }

  /** Reads the whole span `buf[start, end)`. */
  readAll(buf: Uint8Array, start: number, end: number): void {
    this.traceIdAt = -1;
    this.spanIdAt = -1;
    this.parentAt = -1;
    this.flagsAt = -1;
    const cursor = this.#cursor;
    cursor.pos = start;
    while (cursor.pos < end) {
      const tag = cursor.tag(buf, end);
      cursor.pos = this.#read(buf, tag, cursor.pos, end);
    }
  }

  /** Skips a text whose length stands at `pos`; returns where it ends. */
  skipText(buf: Uint8Array, pos: number, end: number): number {
    this.#cursor.pos = pos;
    return this.#cursor.contentEnd(buf, end);
  }

  /** Validates the event (tag 0x5a) or link whose length stands at `pos`; returns where it ends. */
  skipNested(buf: Uint8Array, tag: number, pos: number, end: number): number {
    return this.#skipMessage(buf, pos, end, tag === 0x5a ? EVENT : LINK);
  }

  /** Reads the Status whose length stands at `pos`; returns where it ends. */
  readStatus(buf: Uint8Array, pos: number, end: number): number {
    // Nothing but a code.
    if (pos + 3 <= end && buf[pos] === 2 && buf[pos + 1] === 0x18 && buf[pos + 2]! < 0x80) {
      this.status = buf[pos + 2]!;
      return pos + 3;
    }
    const contentEnd = this.#skipMessage(buf, pos, end, STATUS);
    const cursor = this.#cursor;
    while (cursor.pos < contentEnd) {
      const tag = cursor.tag(buf, contentEnd);
      if (tag === 0x18) this.status = cursor.varint(buf, contentEnd);
      else cursor.skipUnknown(buf, contentEnd, tag);
    }
    return contentEnd;
  }

  /** Reads the content at `pos` of the field with that decoded tag; returns where it ends. */
  #read(buf: Uint8Array, tag: number, pos: number, end: number): number {
    switch (tag) {
      case 0x0a: // trace_id
        this.traceIdAt = this.#idAt(buf, end, 16);
        return this.#cursor.pos;
      case 0x12: // span_id
        this.spanIdAt = this.#idAt(buf, end, 8);
        return this.#cursor.pos;
      case 0x22: // parent_span_id
        this.parentAt = this.#idAt(buf, end, 8);
        return this.#cursor.pos;
      case 0x1a: // trace_state
      case 0x2a: // name
        return this.skipText(buf, pos, end);
      case 0x4a:
        return this.#attributes.scanAnyShape(buf, pos, end);
      case 0x5a:
      case 0x6a:
        return this.skipNested(buf, tag, pos, end);
      case 0x7a:
        return this.readStatus(buf, pos, end);
      default:
        return this.#readScalar(buf, tag, pos, end);
    }
  }

  #readScalar(buf: Uint8Array, tag: number, pos: number, end: number): number {
    switch (tag) {
      case 0x30: // kind
      case 0x50: // dropped_attributes_count
      case 0x60: // dropped_events_count
      case 0x70: // dropped_links_count
      case 0x39: // start_time_unix_nano
      case 0x41: // end_time_unix_nano
        break;
      case 0x85: // flags
        this.flagsAt = pos;
        break;
      default:
        if (tag >>> 3 <= LAST_SPAN_FIELD) {
          throw malformed(`wrong wireType = ${tag & 7} for field ${tag >>> 3} of Span`, pos);
        }
    }
    this.#cursor.skipUnknown(buf, end, tag);
    return this.#cursor.pos;
  }

  /** Passes over an id at the cursor; returns where its bytes are, -1 when it is empty. */
  #idAt(buf: Uint8Array, limit: number, bytes: number): number {
    const cursor = this.#cursor;
    const end = cursor.contentEnd(buf, limit);
    const at = cursor.pos;
    if (at !== end && end - at !== bytes) {
      throw malformed(`an id of ${end - at} bytes, expected ${bytes} or none`, at);
    }
    cursor.pos = end;
    return at === end ? -1 : at;
  }

  #skipMessage(buf: Uint8Array, pos: number, limit: number, message: number): number {
    const end = this.skipText(buf, pos, limit);
    this.#validator.validate(buf, this.#cursor.pos, end, message);
    return end;
  }
}
