/**
 * Validates a whole protobuf message by the table in trace-messages.ts, nested messages included: framing, wire
 * types of known fields, lengths of ids. Owns no meaning: it reads no value.
 * Invariant: iterative. A sender can nest AnyValue as deep as its request is long, so the stack is an array here.
 */
import { messageNames, traceMessages, wireTypeOf, type MessageName } from './trace-messages.ts';
import { malformed, WireCursor } from './wire-cursor.ts';

/** All fields of the trace messages have numbers below this (ResourceSpans' deprecated 1000 is scan.ts' business). */
const FIELDS_PER_MESSAGE = 32;
const UNKNOWN = -1;
const INITIAL_DEPTH = 64;
/** A deeper stack than this is given back after the message. */
const KEPT_DEPTH = 4096;

export class MessageValidator {
  readonly #cursor = new WireCursor();
  readonly #wireTypes = new Int8Array(messageNames.length * FIELDS_PER_MESSAGE).fill(UNKNOWN);
  readonly #children = new Int8Array(messageNames.length * FIELDS_PER_MESSAGE).fill(UNKNOWN);
  readonly #idLengths = new Uint8Array(messageNames.length * FIELDS_PER_MESSAGE);
  #outerEnds = new Int32Array(INITIAL_DEPTH);
  #outerMessages = new Int8Array(INITIAL_DEPTH);

  constructor() {
    for (const [index, name] of messageNames.entries()) {
      for (const { number, type } of Object.values(traceMessages[name])) {
        const slot = index * FIELDS_PER_MESSAGE + number;
        this.#wireTypes[slot] = wireTypeOf(type);
        this.#children[slot] = messageNames.indexOf(type as MessageName);
        if (type === 'id16') this.#idLengths[slot] = 16;
        if (type === 'id8') this.#idLengths[slot] = 8;
      }
    }
  }

  /** Throws a Refusal unless `buf[start, end)` is a well-formed message; `root` as {@link messageIndex} gives it. */
  validate(buf: Uint8Array, start: number, end: number, root: number): void {
    const cursor = this.#cursor;
    let message = root;
    let limit = end;
    let depth = 0;
    cursor.pos = start;
    for (;;) {
      if (cursor.pos === limit) {
        if (depth === 0) break;
        depth--;
        limit = this.#outerEnds[depth]!;
        message = this.#outerMessages[depth]!;
        continue;
      }
      const slot = this.#enterField(buf, limit, message);
      if (slot === UNKNOWN) continue;
      const contentEnd = cursor.contentEnd(buf, limit);
      const child = this.#children[slot]!;
      if (child === UNKNOWN) {
        this.#checkId(slot, cursor.pos, contentEnd);
        cursor.pos = contentEnd;
        continue;
      }
      if (depth === this.#outerEnds.length) this.#grow();
      this.#outerEnds[depth] = limit;
      this.#outerMessages[depth] = message;
      depth++;
      limit = contentEnd;
      message = child;
    }
    if (this.#outerEnds.length > KEPT_DEPTH) this.#shrink();
  }

  /** Reads a tag and all of a field that has no length; returns the slot of a known length-delimited one. */
  #enterField(buf: Uint8Array, limit: number, message: number): number {
    const cursor = this.#cursor;
    const start = cursor.pos;
    const tag = cursor.tag(buf, limit);
    const field = tag >>> 3;
    const slot = message * FIELDS_PER_MESSAGE + field;
    const wireType = field < FIELDS_PER_MESSAGE ? this.#wireTypes[slot]! : UNKNOWN;
    if (wireType !== UNKNOWN && wireType !== (tag & 7)) {
      throw malformed(`wrong wireType = ${tag & 7} for field ${field} of ${messageNames[message]}`, start);
    }
    if (wireType === 2) return slot;
    cursor.skipUnknown(buf, limit, tag);
    return UNKNOWN;
  }

  #checkId(slot: number, start: number, end: number): void {
    const expected = this.#idLengths[slot]!;
    if (expected !== 0 && end !== start && end - start !== expected) {
      throw malformed(`an id of ${end - start} bytes, expected ${expected} or none`, start);
    }
  }

  #grow(): void {
    const ends = new Int32Array(this.#outerEnds.length * 2);
    const messages = new Int8Array(ends.length);
    ends.set(this.#outerEnds);
    messages.set(this.#outerMessages);
    this.#outerEnds = ends;
    this.#outerMessages = messages;
  }

  #shrink(): void {
    this.#outerEnds = new Int32Array(INITIAL_DEPTH);
    this.#outerMessages = new Int8Array(INITIAL_DEPTH);
  }
}

/** How the validator knows a message; looked up once, not per span. */
export function messageIndex(name: MessageName): number {
  return messageNames.indexOf(name);
}
