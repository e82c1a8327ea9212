/**
 * Scalar values of OTLP/JSON: what each field type accepts, and its bytes.
 * Owns the rules of proto3 JSON with OTLP's exceptions (ids are hex, enums are numbers; names are accepted as well).
 * Source: OTLP specification "JSON Protobuf Encoding"; the Collector's pdata/internal/json.
 */
import type protobuf from 'protobufjs/minimal.js';
import { integer32, shown, signedWords, unsignedWords } from './json-integer.ts';
import { Refusal } from './refusal.ts';
import { enumValues, type ScalarType } from './trace-messages.ts';

const MAX_UINT32 = 0xffff_ffff;
const MIN_INT32 = -0x8000_0000;
const MAX_INT32 = 0x7fff_ffff;

/** Checks `value` and writes it with its tag; without a writer it is only checked. `name` is for the error text. */
export function writeScalar(
  writer: protobuf.Writer | undefined,
  tag: number,
  type: ScalarType,
  value: unknown,
  name: string,
): void {
  switch (type) {
    case 'string': {
      if (typeof value !== 'string') throw unexpected(name, 'a string', value);
      // A lone surrogate becomes U+FFFD; protobufjs would write bytes that are no UTF-8.
      writer?.uint32(tag).string(value.toWellFormed());
      return;
    }
    case 'id16':
    case 'id8': {
      const id = hexId(value, type === 'id16' ? 32 : 16, name);
      writer?.uint32(tag).bytes(Buffer.from(id, 'hex'));
      return;
    }
    case 'bytes': {
      const text = base64(value, name);
      writer?.uint32(tag).bytes(Buffer.from(text, 'base64'));
      return;
    }
    case 'bool':
      if (typeof value !== 'boolean') throw unexpected(name, 'true or false', value);
      writer?.uint32(tag).bool(value);
      return;
    case 'double': {
      const number = doubleOf(value, name);
      writer?.uint32(tag).double(number);
      return;
    }
    default:
      return writeInteger(writer, tag, type, value, name);
  }
}

type IntegerType = Exclude<ScalarType, 'string' | 'id16' | 'id8' | 'bytes' | 'bool' | 'double'>;

function writeInteger(
  writer: protobuf.Writer | undefined,
  tag: number,
  type: IntegerType,
  value: unknown,
  name: string,
): void {
  switch (type) {
    case 'fixed64': {
      const words = unsignedWords(value, name);
      writer?.uint32(tag).fixed64(words);
      return;
    }
    case 'int64': {
      const words = signedWords(value, name);
      writer?.uint32(tag).int64(words);
      return;
    }
    case 'fixed32': {
      const number = integer32(value, name, 0, MAX_UINT32);
      writer?.uint32(tag).fixed32(number);
      return;
    }
    case 'uint32': {
      const number = integer32(value, name, 0, MAX_UINT32);
      writer?.uint32(tag).uint32(number);
      return;
    }
    case 'int32': {
      const number = integer32(value, name, MIN_INT32, MAX_INT32);
      writer?.uint32(tag).int32(number);
      return;
    }
    case 'SpanKind':
    case 'StatusCode': {
      const number = enumNumber(value, type, name);
      writer?.uint32(tag).int32(number);
      return;
    }
    default:
      (type) satisfies never;
  }
}

/** `""` or hex digits of either case, of exactly that number. */
function hexId(value: unknown, digits: number, name: string): string {
  if (typeof value === 'string' && (value.length === digits || value.length === 0) && /^[0-9a-fA-F]*$/.test(value)) {
    return value;
  }
  throw unexpected(name, `${digits} hex digits`, value);
}

/** Base64 of the standard or the URL alphabet, padded or not. */
function base64(value: unknown, name: string): string {
  if (typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) {
    const digits = value.replace(/=+$/, '').length;
    if (digits % 4 !== 1 && (digits === value.length || value.length % 4 === 0)) return value;
  }
  throw unexpected(name, 'base64', value);
}

/** A number, a decimal string or one of the three names that JSON has no number for. */
function doubleOf(value: unknown, name: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') {
    if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
    if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
  }
  throw unexpected(name, 'a number', value);
}

function enumNumber(value: unknown, type: 'SpanKind' | 'StatusCode', name: string): number {
  if (typeof value === 'string') {
    const names = enumValues[type];
    if (Object.hasOwn(names, value)) return names[value]!;
    throw unexpected(name, `a number or one of ${Object.keys(names).join(', ')}`, value);
  }
  return integer32(value, name, MIN_INT32, MAX_INT32);
}

function unexpected(name: string, expected: string, value: unknown): Refusal {
  return new Refusal('malformed', `json: ${name}: expected ${expected}, got ${shown(value)}`);
}
