/**
 * 64-bit integers of OTLP/JSON: decimal strings or numbers, checked against their range, as two 32-bit words.
 * Owns the rules; knows no field. Numbers that a double cannot hold exactly are asked for again as BigInt.
 */
import { Refusal } from './refusal.ts';

/** Thrown for a number beyond 2^53: the document must be parsed again with its digits kept. */
export class InexactInteger extends Error {
  override readonly name = 'InexactInteger';
}

/** The form in which protobufjs takes 64-bit values without a library for them. */
export interface Words {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** A uint64 or fixed64 value. */
export function unsignedWords(value: unknown, path: string): Words {
  return words(value, path, 0n, 0xffff_ffff_ffff_ffffn, true);
}

/** An int64 value. */
export function signedWords(value: unknown, path: string): Words {
  return words(value, path, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn, false);
}

/** A 32-bit integer between the two bounds, as a number or a decimal string. */
export function integer32(value: unknown, path: string, min: number, max: number): number {
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) {
    throw notInteger(path, value, min, max);
  }
  return number;
}

function words(value: unknown, path: string, min: bigint, max: bigint, unsigned: boolean): Words {
  if (typeof value === 'string') {
    if (!/^-?\d{1,20}$/.test(value)) throw notInteger(path, value, min, max);
    if (value.length < 16) return fromNumber(Number(value), path, min, max, unsigned);
    return fromBigInt(BigInt(value), path, min, max, unsigned);
  }
  if (typeof value === 'bigint') return fromBigInt(value, path, min, max, unsigned);
  if (typeof value !== 'number' || !Number.isInteger(value)) throw notInteger(path, value, min, max);
  if (!Number.isSafeInteger(value)) throw new InexactInteger(path);
  return fromNumber(value, path, min, max, unsigned);
}

/** `value` is a safe integer. */
function fromNumber(value: number, path: string, min: bigint, max: bigint, unsigned: boolean): Words {
  if (unsigned && value < 0) throw notInteger(path, value, min, max);
  return { low: value >>> 0, high: Math.floor(value / 0x1_0000_0000) | 0, unsigned };
}

function fromBigInt(value: bigint, path: string, min: bigint, max: bigint, unsigned: boolean): Words {
  if (value < min || value > max) throw notInteger(path, value, min, max);
  return { low: Number(value & 0xffff_ffffn), high: Number(BigInt.asIntN(32, value >> 32n)), unsigned };
}

function notInteger(path: string, value: unknown, min: bigint | number, max: bigint | number): Refusal {
  return new Refusal('malformed', `json: ${path}: expected an integer from ${min} to ${max}, got ${shown(value)}`);
}

/** A value as an error text shows it: its kind when it is long. */
export function shown(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  const text = typeof value === 'object' && value !== null ? typeof value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
