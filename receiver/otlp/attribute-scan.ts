/**
 * Validates one attribute of a span and asks the discriminators about it. The innermost loop: ten times a span.
 * The shape that every exporter writes (key, then value, both short) is checked by its few framing bytes alone;
 * any other shape is validated by the table and then read field by field.
 */
import type { Discriminators } from './discriminators.ts';
import { messageIndex, type MessageValidator } from './message-validator.ts';
import { WireCursor } from './wire-cursor.ts';

const KEY_VALUE = messageIndex('KeyValue');

export class AttributeScan {
  /** What the attributes of the current span gave together. */
  bits = 0;

  readonly #discriminators: Discriminators;
  readonly #validator: MessageValidator;
  readonly #firstBytes: Int32Array;
  readonly #cursor = new WireCursor();

  constructor(discriminators: Discriminators, validator: MessageValidator) {
    this.#discriminators = discriminators;
    this.#validator = validator;
    this.#firstBytes = discriminators.firstBytes;
  }

  /** Begins the next span. */
  begin(): void {
    this.bits = 0;
    this.#discriminators.begin();
  }

  /**
   * Reads the attributes from `start` on, where the tag of one stands, until another field comes; returns where.
   * `view` is a view of `buf`. May look four bytes beyond `limit`.
   */
  scan(buf: Uint8Array, view: DataView, start: number, limit: number): number {
    // 4a LENGTH 0a KEYLENGTH key… 12 VALUELENGTH value…: since the whole is shorter than 128 bytes, so is each length in
    // it, and a value that ends exactly where the attribute does proves the rest of the framing.
    // Four bytes at once and one loop for all attributes: 30 % faster than byte by byte with a call for each.
    const firstBytes = this.#firstBytes;
    let pos = start;
    while (pos < limit) {
      const head = view.getInt32(pos, true);
      const end = pos + 2 + ((head >>> 8) & 0x7f);
      const keyLength = head >>> 24;
      const middleAt = pos + 4 + keyLength;
      const valueLength = end - middleAt - 2;
      if ((head & 0x00ff_80ff) !== 0x000a_004a || valueLength < 2 || end > limit) {
        if ((head & 0xff) !== 0x4a) return pos;
        pos = this.scanAnyShape(buf, pos + 1, limit);
        continue;
      }
      const middle = view.getInt32(middleAt, true);
      if (
        middle !== textMiddle(valueLength) &&
        ((middle & 0xffff) !== (0x12 | (valueLength << 8)) ||
          !(isShortInteger(middle, valueLength, buf[end - 1]!) || isShortValue(buf, middleAt + 2, end)))
      ) {
        pos = this.scanAnyShape(buf, pos + 1, limit);
        continue;
      }
      if (((firstBytes[keyLength]! >>> (buf[pos + 4]! & 31)) & 1) !== 0) {
        this.#ask(buf, pos + 4, keyLength, middleAt + 2, end);
      }
      pos = end;
    }
    return pos;
  }

  /** The same for any legal encoding, reading no byte beyond `limit`. */
  scanAnyShape(buf: Uint8Array, pos: number, limit: number): number {
    const cursor = this.#cursor;
    cursor.pos = pos;
    const end = cursor.contentEnd(buf, limit);
    this.#validator.validate(buf, cursor.pos, end, KEY_VALUE);
    let keyAt = cursor.pos;
    let keyEnd = cursor.pos;
    let valueAt = end;
    let valueEnd = end;
    while (cursor.pos < end) {
      const tag = cursor.tag(buf, end);
      if (tag === 0x0a) {
        keyEnd = cursor.contentEnd(buf, end);
        keyAt = cursor.pos;
        cursor.pos = keyEnd;
      } else if (tag === 0x12) {
        valueEnd = cursor.contentEnd(buf, end);
        valueAt = cursor.pos;
        cursor.pos = valueEnd;
      } else {
        cursor.skipUnknown(buf, end, tag);
      }
    }
    if (keyEnd > keyAt && this.#discriminators.mayMatch(keyEnd - keyAt, buf[keyAt]!)) {
      const text = this.#stringValue(buf, valueAt, valueEnd);
      this.bits |= this.#discriminators.match(buf, keyAt, keyEnd - keyAt, text, cursor.pos);
    }
    return end;
  }

  #ask(buf: Uint8Array, keyAt: number, keyLength: number, valueAt: number, end: number): void {
    const textAt = end > valueAt && buf[valueAt] === 0x0a ? valueAt + 2 : -1;
    this.bits |= this.#discriminators.match(buf, keyAt, keyLength, textAt, end);
  }

  /** Where the text of a (validated) AnyValue starts, -1 when it is none; `cursor.pos` is left at its end. */
  #stringValue(buf: Uint8Array, start: number, end: number): number {
    const cursor = this.#cursor;
    let textAt = -1;
    let textEnd = end;
    cursor.pos = start;
    while (cursor.pos < end) {
      const tag = cursor.tag(buf, end);
      if (tag === 0x0a) {
        textEnd = cursor.contentEnd(buf, end);
        textAt = cursor.pos;
        cursor.pos = textEnd;
      } else {
        // The members of the oneof are fields 1 to 7: the last one that is set counts.
        if (tag >>> 3 <= 7) textAt = -1;
        cursor.skipUnknown(buf, end, tag);
      }
    }
    cursor.pos = textEnd;
    return textAt;
  }
}

/** The four bytes in front of a text: 12 VALUELENGTH 0a TEXTLENGTH, each of which the length of the value tells. */
function textMiddle(valueLength: number): number {
  return (Math.imul(valueLength, 0x0100_0100) + (0x000a_0012 - 0x0200_0000)) | 0;
}

/** Whether an int_value has one or two bytes: most have. `last` is the value's last byte. */
function isShortInteger(middle: number, valueLength: number, last: number): boolean {
  const isOneVarint = last < 0x80 && (valueLength === 2 || (valueLength === 3 && middle < 0));
  return isOneVarint && (middle & 0x00ff_0000) === 0x0018_0000;
}

/** Whether an AnyValue of less than 128 bytes is well-formed at first sight; false = look closer. */
function isShortValue(buf: Uint8Array, start: number, end: number): boolean {
  const tag = buf[start];
  return (
    start === end ||
    (tag === 0x0a && end === start + 2 + buf[start + 1]!) || // string_value
    ((tag === 0x18 || tag === 0x10) && isOneVarint(buf, start + 1, end)) || // int_value, bool_value
    (tag === 0x21 && end === start + 9) // double_value
  );
}

function isOneVarint(buf: Uint8Array, start: number, end: number): boolean {
  const last = end - 1;
  if (last < start || last - start > 9 || buf[last]! > 0x7f) return false;
  for (let i = start; i < last; i++) if (buf[i]! < 0x80) return false;
  return true;
}
