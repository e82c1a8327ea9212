/**
 * The protobuf reader of the kept spans, and the few reads that OTLP needs beside it.
 * Owns nothing of the schema; bytes were validated by the receiver's scan before they came here.
 */
import type { Buffer } from 'node:buffer';
import protobuf from 'protobufjs/minimal.js';
import type { Instant } from '../../schema/rows.ts';

export const Reader = protobuf.Reader;
export type Reader = protobuf.Reader;

/** Times from here on are capped: exact integers of µs end at 2^53, the year 2255. */
const MAX_MICROS = Number.MAX_SAFE_INTEGER - 1;

/** Reads a fixed64 of nanoseconds since the epoch without ever making a double of nanoseconds. */
export function readInstant(reader: Reader): Instant {
  const low = reader.fixed32();
  const high = reader.fixed32();
  // 2^32 ns = 4,294,967 µs and 296 ns.
  const rest = high * 296 + low;
  const us = high * 4_294_967 + Math.floor(rest / 1000);
  return us > MAX_MICROS ? { us: MAX_MICROS, ns: 999 } : { us, ns: rest % 1000 };
}

/** Reads a length-delimited id as a latin1 string; an all-zero id reads as '' (OTLP: invalid, or no parent). */
export function readId(reader: Reader): string {
  const length = reader.uint32();
  const start = reader.pos;
  reader.pos += length;
  const buffer = reader.buf as Buffer;
  for (let i = start; i < reader.pos; i++) {
    if (buffer[i] !== 0) return buffer.toString('latin1', start, reader.pos);
  }
  return '';
}

/** Reads the length of an embedded message and returns the offset of its end. */
export function messageEnd(reader: Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}
