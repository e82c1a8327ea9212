/**
 * A second, slow reading of export requests, written from the encoding's specification and the rules in the issue
 * (not from the scan): recursive, with BigInt numbers and objects. The field types come from protobufjs' reflection.
 */
import protobuf from 'protobufjs';
import type { Dialect } from '../../../schema/dialect.ts';
import { traceRoot } from './trace-proto.ts';

const root = traceRoot();
const wireTypes: Readonly<Record<string, number>> = protobuf.types.basic;

interface WireField {
  number: number;
  /** Content of a length-delimited field, else its raw bytes. */
  bytes: Buffer;
  varint: bigint;
  /** Content as fields, when the field is a message. */
  message: WireField[] | undefined;
}

export interface ExpectedSpan {
  kind: 'tagged' | 'evidence' | 'sighting';
  resource: string;
  scope: string;
  span: string;
}

export interface Expected {
  kept: ExpectedSpan[];
  spans: number;
  invalidIds: number;
  deprecated: number;
}

class Bad extends Error {}

/** The fields of a message; throws when a strict reader must refuse it. */
function parse(buf: Buffer, typeName: string): WireField[] {
  const type = root.lookupType(typeName);
  const fields: WireField[] = [];
  let pos = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0n; i < 10n; i++) {
      if (pos >= buf.length) throw new Bad('eof');
      const byte = buf[pos++]!;
      value |= BigInt(byte & 127) << (7n * i);
      if (byte < 128) return value & 0xffff_ffff_ffff_ffffn;
    }
    throw new Bad('overflow');
  };
  const take = (count: bigint): Buffer => {
    if (count > BigInt(buf.length - pos)) throw new Bad('eof');
    pos += Number(count);
    return buf.subarray(pos - Number(count), pos);
  };
  const tagged = (): { number: number; wire: number } => {
    const tag = varint();
    if (tag >= 1n << 32n || tag >> 3n === 0n) throw new Bad('tag');
    return { number: Number(tag >> 3n), wire: Number(tag & 7n) };
  };
  const group = (number: number, depth: number): void => {
    if (depth > 100) throw new Bad('deep');
    for (;;) {
      const inner = tagged();
      if (inner.wire === 4) {
        if (inner.number !== number) throw new Bad('unbalanced');
        return;
      }
      if (inner.wire === 3) group(inner.number, depth + 1);
      else scalar(inner.wire);
    }
  };
  const scalar = (wire: number): { bytes: Buffer; varint: bigint } => {
    if (wire === 0) return { bytes: Buffer.alloc(0), varint: varint() };
    if (wire === 1) return { bytes: take(8n), varint: 0n };
    if (wire === 2) return { bytes: take(varint()), varint: 0n };
    if (wire === 5) return { bytes: take(4n), varint: 0n };
    throw new Bad('wire type');
  };
  while (pos < buf.length) {
    const { number, wire } = tagged();
    const field = type.fieldsById[number];
    if (field === undefined) {
      if (wire === 3) group(number, 1);
      else scalar(wire);
      continue;
    }
    const isMessage = wireTypes[field.type] === undefined;
    if (wire !== (wireTypes[field.type] ?? 2)) throw new Bad('wrong wire type');
    const content = scalar(wire);
    const idLength = { trace_id: 16, span_id: 8, parent_span_id: 8 }[field.name];
    if (idLength !== undefined && content.bytes.length !== 0 && content.bytes.length !== idLength) throw new Bad('id');
    fields.push({ number, ...content, message: isMessage ? parse(content.bytes, field.type) : undefined });
  }
  return fields;
}

const all = (fields: WireField[], number: number): WireField[] => fields.filter((field) => field.number === number);
const last = (fields: WireField[], number: number): WireField | undefined => all(fields, number).at(-1);
const isId = (id: Buffer | undefined): id is Buffer => id !== undefined && id.some((byte) => byte !== 0);

/** What the scan must keep of a request; undefined when it must refuse it. */
export function expectedOf(
  request: Buffer,
  dialects: readonly Dialect[],
  watched: ReadonlySet<string>,
): Expected | undefined {
  try {
    return expectedOfGood(parse(request, 'ExportTraceServiceRequest'), dialects, watched);
  } catch (error) {
    if (error instanceof Bad) return undefined;
    throw error;
  }
}

/** The spans of TracesData in the same form, for comparison; throws when it is malformed. */
export function spansOf(tracesData: Buffer): Omit<ExpectedSpan, 'kind'>[] {
  return allSpans(parse(tracesData, 'ExportTraceServiceRequest')).spans.map(({ resource, scope, bytes }) => ({
    resource,
    scope,
    span: bytes.toString('hex'),
  }));
}

interface FoundSpan {
  resource: string;
  scope: string;
  bytes: Buffer;
  fields: WireField[];
}

function allSpans(request: WireField[]): { spans: FoundSpan[]; deprecated: number } {
  const spans: FoundSpan[] = [];
  let deprecated = 0;
  const merged = (fields: WireField[]): string => Buffer.concat(all(fields, 1).map((f) => f.bytes)).toString('hex');
  for (const { message: resourceSpans } of all(request, 1)) {
    const current = all(resourceSpans!, 2);
    const old = all(resourceSpans!, 1000);
    if (current.length > 0) deprecated += old.flatMap((group) => all(group.message!, 2)).length;
    for (const { message: group } of current.length > 0 ? current : old) {
      for (const span of all(group!, 2)) {
        const [resource, scope] = [merged(resourceSpans!), merged(group!)];
        spans.push({ resource, scope, bytes: span.bytes, fields: span.message! });
      }
    }
  }
  return { spans, deprecated };
}

function expectedOfGood(request: WireField[], dialects: readonly Dialect[], watched: ReadonlySet<string>): Expected {
  const { spans, deprecated } = allSpans(request);
  const undecided = new Set<string>();
  const facts = spans.map((span) => factsOf(span, dialects));
  for (const fact of facts) if (fact.tag === 'undecided' && fact.valid && !fact.root) undecided.add(fact.traceId);
  const kept: ExpectedSpan[] = [];
  let invalidIds = 0;
  for (const [index, fact] of facts.entries()) {
    const { resource, scope, bytes } = spans[index]!;
    const add = (kind: ExpectedSpan['kind']): unknown =>
      kept.push({ kind, resource, scope, span: bytes.toString('hex') });
    if (!fact.valid) invalidIds += fact.tag === 'none' ? 0 : 1;
    else if (fact.tag !== 'none') add('tagged');
    else if (fact.error) add('evidence');
    else if (fact.root && (undecided.has(fact.traceId) || watched.has(fact.traceId))) add('sighting');
  }
  return { kept, spans: spans.length, invalidIds, deprecated };
}

function factsOf({ fields }: FoundSpan, dialects: readonly Dialect[]) {
  const traceId = last(fields, 1)?.bytes;
  const parent = last(fields, 4)?.bytes;
  const flags = last(fields, 16)?.bytes.readUInt32LE(0) ?? 0;
  const codes = all(fields, 15).flatMap((status) => all(status.message!, 3));
  const attributes = new Map<string, string | undefined>();
  for (const { message: attribute } of all(fields, 9)) {
    const key = last(attribute!, 1)?.bytes.toString('latin1') ?? '';
    if (attributes.has(key)) continue;
    const value = last(attribute!, 2)?.message ?? [];
    const chosen = value.findLast((member) => member.number <= 7);
    attributes.set(key, chosen?.number === 1 ? chosen.bytes.toString('latin1') : undefined);
  }
  let tag: 'none' | 'tagged' | 'undecided' = 'none';
  for (const { when } of dialects.flatMap((dialect) => dialect.roles)) {
    if (!attributes.has(when.attribute)) continue;
    const value = attributes.get(when.attribute);
    if (when.values !== undefined && (value === undefined || !when.values.includes(value))) continue;
    if (when.mayBeUndecided === true) tag = 'undecided';
    else if (tag === 'none') tag = 'tagged';
  }
  return {
    traceId: traceId?.toString('latin1') ?? '',
    valid: isId(traceId) && isId(last(fields, 2)?.bytes),
    root: !isId(parent) || (flags & 0x300) === 0x300,
    error: codes.length > 0 && Number(codes.at(-1)!.varint & 0xffff_ffffn) === 2,
    tag,
  };
}
