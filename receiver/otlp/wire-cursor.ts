/**
 * Reads the wire format's numbers where they are not the one-byte kind that the scan reads inline.
 * Owns bounds, overflow and groups; knows no message. Every broken byte is a {@link Refusal} that names its offset.
 * Invariant: after a call `pos` is at most the `limit` that was given.
 * Source: protobuf.dev/programming-guides/encoding; the Collector's limits in pdata/internal/proto/unmarshal.go.
 */
import { Refusal } from './refusal.ts';

const MAX_GROUP_DEPTH = 100;
const MAX_VARINT_BYTES = 10;

export class WireCursor {
  /** Where the next read starts. */
  pos = 0;
  /** Whether the varint read last needs more than 32 bits. */
  overflowed = false;

  /** A varint at `pos`: its low 32 bits, unsigned. At most ten bytes; bits beyond the 64th are dropped. */
  varint(buf: Uint8Array, limit: number): number {
    const start = this.pos;
    if (start + 1 < limit) {
      // One or two bytes: nearly all there are.
      const first = buf[start]!;
      const second = buf[start + 1]!;
      this.overflowed = false;
      if (first < 0x80) {
        this.pos = start + 1;
        return first;
      }
      if (second < 0x80) {
        this.pos = start + 2;
        return (first & 0x7f) | (second << 7);
      }
    }
    return this.#longVarint(buf, start, limit);
  }

  #longVarint(buf: Uint8Array, start: number, limit: number): number {
    let low = 0;
    let rest = 0;
    for (let pos = start, i = 0; i < MAX_VARINT_BYTES; i++, pos++) {
      if (pos >= limit) throw malformed('unexpected EOF in a varint', start);
      const byte = buf[pos]!;
      const bits = byte & 0x7f;
      if (i < 5) low |= bits << (7 * i);
      if (i === 4) rest |= bits >> 4;
      // Of the tenth byte only one bit belongs to the 64.
      else if (i > 4) rest |= i === 9 ? bits & 1 : bits;
      if (byte < 0x80) {
        this.pos = pos + 1;
        this.overflowed = rest !== 0;
        return low >>> 0;
      }
    }
    throw malformed('integer overflow: a varint of more than ten bytes', start);
  }

  /** A tag at `pos`, as field number << 3 | wire type. */
  tag(buf: Uint8Array, limit: number): number {
    const start = this.pos;
    const tag = this.varint(buf, limit);
    if (this.overflowed) throw malformed('field number out of range', start);
    if (tag >>> 3 === 0) throw malformed('illegal field number 0', start);
    return tag;
  }

  /** A length at `pos`; returns where the content ends and leaves `pos` where it starts. */
  contentEnd(buf: Uint8Array, limit: number): number {
    const start = this.pos;
    const length = this.varint(buf, limit);
    if (this.overflowed || length > limit - this.pos) {
      throw malformed('unexpected EOF: a length runs over the end of its message', start);
    }
    return this.pos + length;
  }

  /** Skips the content of an unknown field whose tag was just read. */
  skipUnknown(buf: Uint8Array, limit: number, tag: number): void {
    if ((tag & 7) === 3) this.#skipGroup(buf, limit, tag >>> 3);
    else this.#skipScalar(buf, limit, tag & 7);
  }

  #skipScalar(buf: Uint8Array, limit: number, wireType: number): void {
    const start = this.pos;
    switch (wireType) {
      case 0:
        this.varint(buf, limit);
        return;
      case 1:
        return this.#skipBytes(8, limit);
      case 2:
        this.pos = this.contentEnd(buf, limit);
        return;
      case 5:
        return this.#skipBytes(4, limit);
      case 4:
        throw malformed('the end of a group that was not begun', start);
      default:
        throw malformed(`illegal wireType ${wireType}`, start);
    }
  }

  #skipBytes(count: number, limit: number): void {
    if (count > limit - this.pos) throw malformed('unexpected EOF in a fixed-width value', this.pos);
    this.pos += count;
  }

  /** Groups are an old encoding that no OTLP field uses: balanced ones are skipped like any unknown field. */
  #skipGroup(buf: Uint8Array, limit: number, field: number): void {
    const open = [field];
    while (open.length > 0) {
      const start = this.pos;
      const tag = this.tag(buf, limit);
      const wireType = tag & 7;
      if (wireType === 3) {
        if (open.length === MAX_GROUP_DEPTH) throw malformed(`groups nested deeper than ${MAX_GROUP_DEPTH}`, start);
        open.push(tag >>> 3);
      } else if (wireType === 4) {
        if (open.pop() !== tag >>> 3) throw malformed('the end of a group with another number', start);
      } else {
        this.#skipScalar(buf, limit, wireType);
      }
    }
  }
}

/** The refusal of a protobuf body, with the offset of what cannot be read. */
export function malformed(what: string, offset: number): Refusal {
  return new Refusal('malformed', `proto: ${what} (at byte ${offset})`);
}
