/**
 * Reads of one span what decides whether it is kept, and validates everything else of it: the hot loop of the service.
 * Owns the shape that exporters write: tags and lengths of one byte, whole ids. A span with anything else in its frame
 * is left to span-field-scan.ts, which reads every legal encoding; content that is nested goes to the validators.
 * Nothing is allocated. Fields may come in any order and repeatedly: the last scalar wins, statuses merge.
 */
import { AttributeScan } from './attribute-scan.ts';
import { TAGGED, UNDECIDED, type Discriminators } from './discriminators.ts';
import type { MessageValidator } from './message-validator.ts';
import { SpanFieldScan } from './span-field-scan.ts';
import { malformed } from './wire-cursor.ts';

const STATUS_ERROR = 2;
/** Span.flags: HAS_IS_REMOTE and IS_REMOTE, both in the second byte. */
const REMOTE_PARENT = 0x03;
/**
 * The inline reads may look so far behind a span before they see that it is cut. Behind the last byte of a buffer there
 * is nothing to look at, and one such read makes V8 compile all reads of this loop nearly twice as slow, for ever.
 */
const LOOK_AHEAD_BYTES = 4;

/** Tag and length, as one little-endian number, of trace_id, span_id, parent_span_id. */
const TRACE_HEAD = 0x10_0a;
const SPAN_HEAD = 0x08_12;
const PARENT_HEAD = 0x08_22;
/** The three ids and the head of what follows them. */
const IDS_BYTES = 40;
/** kind, start_time_unix_nano and end_time_unix_nano. */
const KIND_AND_TIMES_BYTES = 20;

export class SpanScan {
  /** Offset of the 16 bytes of the trace id, -1 when the span has none. Of remarkable spans only. */
  traceIdAt = -1;
  /** Both ids are there and not all zero. Of remarkable spans only. */
  validIds = false;
  tagged = false;
  /** Tagged by a discriminator whose spans may need their trace's local root. */
  undecided = false;
  /** Has no parent, or one in another process. */
  localRoot = false;
  /** Its status code is ERROR. */
  error = false;
  /** One of the three above is true. */
  remarkable = false;

  readonly #attributes: AttributeScan;
  readonly #fields: SpanFieldScan;

  constructor(discriminators: Discriminators, validator: MessageValidator) {
    this.#attributes = new AttributeScan(discriminators, validator);
    this.#fields = new SpanFieldScan(this.#attributes, validator);
  }

  /** Reads the span `buf[start, end)`, of which `view` is a view; throws a Refusal when any byte of it is malformed. */
  scan(buf: Uint8Array, view: DataView, start: number, end: number): void {
    if (end + LOOK_AHEAD_BYTES > buf.length) return this.#scanAnyShape(buf, start, end);
    // Local and in one switch: as fields and a method per field it took 30 % longer.
    let pos = leadingEnd(view, start, end);
    const isUsual = pos > start;
    let traceIdAt = isUsual ? start + 2 : -1;
    let spanIdAt = isUsual ? start + 20 : -1;
    let parentAt = isUsual && view.getUint16(start + 28, true) === PARENT_HEAD ? start + 30 : -1;
    let flagsAt = -1;
    const fields = this.#fields.begin();
    // Content that runs over `end` ends the loop too and is refused behind it; nothing is read by it until then.
    while (pos < end) {
      const tag = buf[pos]!;
      switch (tag) {
        case 0x4a: // attributes
          pos = this.#attributes.scan(buf, view, pos, end);
          break;
        case 0x0a: // trace_id
          if (buf[pos + 1] !== 16) return this.#scanAnyShape(buf, start, end);
          traceIdAt = pos + 2;
          pos += 18;
          break;
        case 0x12: // span_id
        case 0x22: // parent_span_id
          if (buf[pos + 1] !== 8) return this.#scanAnyShape(buf, start, end);
          if (tag === 0x12) spanIdAt = pos + 2;
          else parentAt = pos + 2;
          pos += 10;
          break;
        case 0x1a: // trace_state
        case 0x2a: // name
          if (buf[pos + 1]! > 0x7f) pos = fields.skipText(buf, pos + 1, end);
          else pos += 2 + buf[pos + 1]!;
          break;
        case 0x30: // kind
        case 0x50: // dropped_attributes_count
        case 0x60: // dropped_events_count
        case 0x70: // dropped_links_count
          if (buf[pos + 1]! > 0x7f) return this.#scanAnyShape(buf, start, end);
          pos += 2;
          break;
        case 0x39: // start_time_unix_nano
        case 0x41: // end_time_unix_nano
          pos += 9;
          break;
        case 0x5a: // events
        case 0x6a: // links
          pos = fields.skipNested(buf, tag, pos + 1, end);
          break;
        case 0x7a: // status
          pos = buf[pos + 1] === 0 ? pos + 2 : fields.readStatus(buf, pos + 1, end);
          break;
        default:
          // flags, whose tag has two bytes
          if (tag !== 0x85 || buf[pos + 1] !== 0x01) return this.#scanAnyShape(buf, start, end);
          flagsAt = pos + 2;
          pos += 6;
      }
    }
    if (pos !== end) throw malformed('unexpected EOF: a field runs over the end of its span', start);
    this.#conclude(buf, traceIdAt, spanIdAt, parentAt, flagsAt);
  }

  #scanAnyShape(buf: Uint8Array, start: number, end: number): void {
    const fields = this.#fields.begin();
    fields.readAll(buf, start, end);
    this.#conclude(buf, fields.traceIdAt, fields.spanIdAt, fields.parentAt, fields.flagsAt);
  }

  #conclude(buf: Uint8Array, traceIdAt: number, spanIdAt: number, parentAt: number, flagsAt: number): void {
    const bits = this.#attributes.bits;
    this.tagged = (bits & TAGGED) !== 0;
    this.undecided = (bits & UNDECIDED) !== 0;
    this.error = this.#fields.status === STATUS_ERROR;
    this.localRoot =
      parentAt < 0 ||
      !isSet(buf, parentAt, 8) ||
      (flagsAt >= 0 && (buf[flagsAt + 1]! & REMOTE_PARENT) === REMOTE_PARENT);
    // Nobody asks for the ids of the others.
    this.remarkable = bits !== 0 || this.error || this.localRoot;
    if (!this.remarkable) return;
    this.traceIdAt = traceIdAt;
    this.validIds = traceIdAt >= 0 && spanIdAt >= 0 && isSet(buf, traceIdAt, 16) && isSet(buf, spanIdAt, 8);
  }
}

/**
 * Where the fields end that exporters write first, in this order: trace_id, span_id, parent_span_id or none, name,
 * kind, start and end. `start` when the span does not begin with the two ids; anything else out of this order, and
 * texts of 128 bytes or more, only end them earlier. May look four bytes beyond `end`.
 */
function leadingEnd(view: DataView, start: number, end: number): number {
  if (start + IDS_BYTES > end) return start;
  if (view.getUint16(start, true) !== TRACE_HEAD || view.getUint16(start + 18, true) !== SPAN_HEAD) return start;
  let pos = start + 28;
  if (view.getUint16(pos, true) === PARENT_HEAD) pos += 10;
  const name = view.getUint16(pos, true);
  if ((name & 0x80ff) === 0x2a) pos += 2 + (name >>> 8);
  if (pos + KIND_AND_TIMES_BYTES > end) return pos;
  // 30 KIND 39 start… 41 end…
  const isUsual = (view.getInt32(pos, true) & 0x00ff_80ff) === 0x0039_0030 && view.getUint8(pos + 11) === 0x41;
  return isUsual ? pos + KIND_AND_TIMES_BYTES : pos;
}

/** Whether any of the bytes is not zero. */
function isSet(buf: Uint8Array, start: number, length: number): boolean {
  if (buf[start] !== 0) return true;
  for (let i = start + 1; i < start + length; i++) if (buf[i] !== 0) return true;
  return false;
}
