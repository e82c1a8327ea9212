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
  readonly #cursor = new WireCursor();

  constructor(discriminators: Discriminators, validator: MessageValidator) {
    this.#discriminators = discriminators;
    this.#validator = validator;
  }

  /** Begins the next span. */
  begin(): void {
    this.bits = 0;
    this.#discriminators.begin();
  }

  /** Reads the attribute whose length stands at `pos`; returns where it ends. May look two bytes beyond `limit`. */
  scan(buf: Uint8Array, pos: number, limit: number): number {
    // LENGTH 0a KEYLENGTH key… 12 VALUELENGTH value…: since the whole is shorter than 128 bytes, so is each length in
    // it, and a value that ends exactly where the attribute does proves the rest of the framing.
    const length = buf[pos]!;
    const end = pos + 1 + length;
    if (length < 0x80 && end <= limit && buf[pos + 1] === 0x0a) {
      const keyLength = buf[pos + 2]!;
      const keyAt = pos + 3;
      const valueAt = keyAt + keyLength + 2;
      if (
        valueAt <= end &&
        buf[valueAt - 2] === 0x12 &&
        end === valueAt + buf[valueAt - 1]! &&
        isShortValue(buf, valueAt, end)
      ) {
        if (this.#discriminators.mayMatch(keyLength, buf[keyAt]!)) this.#ask(buf, keyAt, keyLength, valueAt, end);
        return end;
      }
    }
    return this.scanAnyShape(buf, pos, limit);
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
