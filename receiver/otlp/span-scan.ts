/**
 * Reads of one span what decides whether it is kept, and validates everything else of it: the hot loop of the service.
 * Owns the facts of the span read last; keeps nothing of its bytes. What is common is read inline, one byte a tag and
 * a length; whatever is not of that shape goes to the message validator. Nothing is allocated.
 * Fields may come in any order and repeatedly: the last scalar wins, statuses merge.
 */
import { AttributeScan } from './attribute-scan.ts';
import { TAGGED, UNDECIDED, type Discriminators } from './discriminators.ts';
import { messageIndex, type MessageValidator } from './message-validator.ts';
import { malformed, WireCursor } from './wire-cursor.ts';

const STATUS_ERROR = 2;
/** Span.flags: HAS_IS_REMOTE and IS_REMOTE. */
const REMOTE_PARENT = 0x300;
const LAST_SPAN_FIELD = 16;
const EVENT = messageIndex('Event');
const LINK = messageIndex('Link');
const STATUS = messageIndex('Status');

export class SpanScan {
  /** Offset of the 16 bytes of the trace id, -1 when the span has none. */
  traceIdAt = -1;
  /** Both ids are there and not all zero. */
  validIds = false;
  tagged = false;
  /** Tagged by a discriminator whose spans may need their trace's local root. */
  undecided = false;
  /** Has no parent, or one in another process. */
  localRoot = false;
  /** Its status code is ERROR. */
  error = false;

  readonly #attributes: AttributeScan;
  readonly #validator: MessageValidator;
  readonly #cursor = new WireCursor();
  #spanIdAt = -1;
  #parentAt = -1;
  #flagsAt = -1;
  #status = 0;

  constructor(discriminators: Discriminators, validator: MessageValidator) {
    this.#attributes = new AttributeScan(discriminators, validator);
    this.#validator = validator;
  }

  /** Reads the span `buf[start, end)`; throws a Refusal when any byte of it is malformed. */
  scan(buf: Uint8Array, start: number, end: number): void {
    this.traceIdAt = -1;
    this.#spanIdAt = -1;
    this.#parentAt = -1;
    this.#flagsAt = -1;
    this.#status = 0;
    this.#attributes.begin();
    let pos = start;
    // A content that runs over `end` ends the loop too and is refused behind it; nothing is read by it until then.
    while (pos < end) {
      const tag = buf[pos]!;
      if (tag === 0x4a) pos = this.#attributes.scan(buf, pos + 1, end);
      else if (tag < 0x80) pos = this.#field(buf, tag, pos + 1, end);
      else pos = this.#longTag(buf, pos, end);
    }
    if (pos !== end) throw malformed('unexpected EOF: a field runs over the end of its span', start);
    this.#conclude(buf);
  }

  /** Reads the content of the field with that decoded tag at `pos`; returns where it ends. */
  #field(buf: Uint8Array, tag: number, pos: number, end: number): number {
    switch (tag) {
      case 0x0a: // trace_id
        if (buf[pos] !== 16) return this.#oddTraceId(buf, pos, end);
        this.traceIdAt = pos + 1;
        return pos + 17;
      case 0x12: // span_id
        if (buf[pos] !== 8) return this.#oddSpanId(buf, pos, end);
        this.#spanIdAt = pos + 1;
        return pos + 9;
      case 0x22: // parent_span_id
        if (buf[pos] !== 8) return this.#oddParentId(buf, pos, end);
        this.#parentAt = pos + 1;
        return pos + 9;
      case 0x2a: // name
      case 0x1a: // trace_state
        return buf[pos]! < 0x80 ? pos + 1 + buf[pos]! : this.#text(buf, pos, end);
      case 0x39: // start_time_unix_nano
      case 0x41: // end_time_unix_nano
        return pos + 8;
      case 0x30: // kind
      case 0x50: // dropped_attributes_count
      case 0x60: // dropped_events_count
      case 0x70: // dropped_links_count
        return buf[pos]! < 0x80 ? pos + 1 : this.#varint(buf, pos, end);
      case 0x4a: // attributes, with a tag that is not minimal
        return this.#attributes.scan(buf, pos, end);
      case 0x5a: // events
        return this.#message(buf, pos, end, EVENT);
      case 0x6a: // links
        return this.#message(buf, pos, end, LINK);
      case 0x7a: // status
        return this.#statusMessage(buf, pos, end);
      case 0x85: // flags
        this.#flagsAt = pos;
        return pos + 4;
      default:
        return this.#otherField(buf, tag, pos, end);
    }
  }

  #longTag(buf: Uint8Array, pos: number, end: number): number {
    if (buf[pos] === 0x85 && buf[pos + 1] === 0x01) return this.#field(buf, 0x85, pos + 2, end);
    this.#cursor.pos = pos;
    const tag = this.#cursor.tag(buf, end);
    return this.#field(buf, tag, this.#cursor.pos, end);
  }

  #otherField(buf: Uint8Array, tag: number, pos: number, end: number): number {
    const field = tag >>> 3;
    if (field === 0) throw malformed('illegal field number 0', pos);
    if (field <= LAST_SPAN_FIELD) throw malformed(`wrong wireType = ${tag & 7} for field ${field} of Span`, pos);
    this.#cursor.pos = pos;
    this.#cursor.skipUnknown(buf, end, tag);
    return this.#cursor.pos;
  }

  #oddTraceId(buf: Uint8Array, pos: number, end: number): number {
    const contentEnd = this.#oddId(buf, pos, end, 16);
    this.traceIdAt = contentEnd === this.#cursor.pos ? -1 : this.#cursor.pos;
    return contentEnd;
  }

  #oddSpanId(buf: Uint8Array, pos: number, end: number): number {
    const contentEnd = this.#oddId(buf, pos, end, 8);
    this.#spanIdAt = contentEnd === this.#cursor.pos ? -1 : this.#cursor.pos;
    return contentEnd;
  }

  #oddParentId(buf: Uint8Array, pos: number, end: number): number {
    const contentEnd = this.#oddId(buf, pos, end, 8);
    this.#parentAt = contentEnd === this.#cursor.pos ? -1 : this.#cursor.pos;
    return contentEnd;
  }

  /** An id that is empty, or whose length is not one minimal byte; any other length is refused. */
  #oddId(buf: Uint8Array, pos: number, end: number, bytes: number): number {
    const contentEnd = this.#text(buf, pos, end);
    const length = contentEnd - this.#cursor.pos;
    if (length !== 0 && length !== bytes) throw malformed(`an id of ${length} bytes, expected ${bytes} or none`, pos);
    return contentEnd;
  }

  #text(buf: Uint8Array, pos: number, end: number): number {
    this.#cursor.pos = pos;
    return this.#cursor.contentEnd(buf, end);
  }

  #varint(buf: Uint8Array, pos: number, end: number): number {
    this.#cursor.pos = pos;
    this.#cursor.varint(buf, end);
    return this.#cursor.pos;
  }

  #message(buf: Uint8Array, pos: number, end: number, message: number): number {
    const contentEnd = this.#text(buf, pos, end);
    this.#validator.validate(buf, this.#cursor.pos, contentEnd, message);
    return contentEnd;
  }

  #statusMessage(buf: Uint8Array, pos: number, end: number): number {
    const contentEnd = this.#message(buf, pos, end, STATUS);
    const cursor = this.#cursor;
    while (cursor.pos < contentEnd) {
      const tag = cursor.tag(buf, contentEnd);
      if (tag === 0x18) this.#status = cursor.varint(buf, contentEnd);
      else cursor.skipUnknown(buf, contentEnd, tag);
    }
    return contentEnd;
  }

  #conclude(buf: Uint8Array): void {
    const bits = this.#attributes.bits;
    this.tagged = (bits & TAGGED) !== 0;
    this.undecided = (bits & UNDECIDED) !== 0;
    this.error = this.#status === STATUS_ERROR;
    this.validIds =
      this.traceIdAt >= 0 && this.#spanIdAt >= 0 && isSet(buf, this.traceIdAt, 16) && isSet(buf, this.#spanIdAt, 8);
    this.localRoot =
      this.#parentAt < 0 ||
      !isSet(buf, this.#parentAt, 8) ||
      (this.#flagsAt >= 0 && (flags(buf, this.#flagsAt) & REMOTE_PARENT) === REMOTE_PARENT);
  }
}

/** Whether any of the bytes is not zero. The first usually is not. */
function isSet(buf: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (buf[i] !== 0) return true;
  return false;
}

/** The low 16 bits of a little-endian fixed32; the flags that are read are in them. */
function flags(buf: Uint8Array, at: number): number {
  return buf[at]! | (buf[at + 1]! << 8);
}
