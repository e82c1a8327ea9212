/**
 * OTLP ExportTraceServiceRequest in protobuf, with open ids and times.
 * Written from opentelemetry-proto trace/v1/trace.proto, common/v1/common.proto and resource/v1/resource.proto alone.
 */
import { fixed, joined, open, type Patchable } from './patchable.ts';
import type { PlacedSpan, RequestContent, ScopeGroup, ServiceGroup } from './request-content.ts';
import { type Attributes, type AttributeValue, resourceAttributes } from './span-content.ts';

export const scopeVersion = '0.208.0';
export const schemaUrl = 'https://opentelemetry.io/schemas/1.37.0';
/** Span flags: sampled, and "the parent is known not to be remote". */
export const spanFlags = 0x101;

export function encodeProtobuf(request: RequestContent): Patchable {
  return joined(request.services.map((service) => message(1, [resourceSpans(service)])));
}

function resourceSpans(group: ServiceGroup): Patchable {
  return joined([
    message(1, attributes(1, resourceAttributes(group.service, group.instance))),
    ...group.scopes.map((scope) => message(2, [scopeSpans(scope)])),
    text(3, schemaUrl),
  ]);
}

function scopeSpans(group: ScopeGroup): Patchable {
  return joined([
    message(1, [text(1, group.scope), text(2, scopeVersion)]),
    ...group.spans.map((placed) => message(2, span(placed))),
  ]);
}

function span({ place, content }: PlacedSpan): Patchable[] {
  const parts = [prefixed(tag(1, 2, 16), open('traceId', place, 16)), prefixed(tag(2, 2, 8), open('spanId', place, 8))];
  if (content.hasParent) parts.push(prefixed(tag(4, 2, 8), open('parentSpanId', place, 8)));
  parts.push(
    text(5, content.name),
    fixed(Buffer.from([...varint((6 << 3) | 0), content.kind])),
    prefixed(tag(7, 1), open('start', place, 8)),
    prefixed(tag(8, 1), open('end', place, 8)),
    ...attributes(9, content.attributes),
  );
  if (content.exception !== undefined) {
    const time = prefixed(tag(1, 1), open('event', place, 8));
    parts.push(message(11, [time, text(2, 'exception'), ...attributes(3, content.exception)]));
  }
  if (content.status !== 0) {
    parts.push(message(15, [text(2, content.statusMessage), fixed(Buffer.from([(3 << 3) | 0, content.status]))]));
  }
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(spanFlags);
  parts.push(prefixed(tag(16, 5), fixed(flags)));
  return parts;
}

function attributes(field: number, entries: Attributes): Patchable[] {
  return entries.map(([key, value]) => message(field, [text(1, key), message(2, [anyValue(value)])]));
}

function anyValue(value: AttributeValue): Patchable {
  return typeof value === 'string' ? text(1, value) : fixed(Buffer.from([(3 << 3) | 0, ...varint(value)]));
}

function message(field: number, parts: readonly Patchable[]): Patchable {
  const body = joined(parts);
  return prefixed(tag(field, 2, body.bytes.length), body);
}

function text(field: number, value: string): Patchable {
  const bytes = Buffer.from(value);
  return prefixed(tag(field, 2, bytes.length), fixed(bytes));
}

function prefixed(prefix: Buffer, part: Patchable): Patchable {
  return joined([fixed(prefix), part]);
}

/** A field's tag, and for wire type 2 the length. */
function tag(field: number, wireType: number, length?: number): Buffer {
  return Buffer.from([...varint((field << 3) | wireType), ...(length === undefined ? [] : varint(length))]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}
