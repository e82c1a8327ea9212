/**
 * OTLP/JSON as the specification has it (hex ids, integer enums, 64-bit numbers as strings), with open ids and times.
 * Every open place has a fixed width: 32 and 16 hex digits, 19 decimal digits.
 */
import { schemaUrl, scopeVersion, spanFlags } from './encode-protobuf.ts';
import { fixed, joined, open, type Patchable } from './patchable.ts';
import type { PlacedSpan, RequestContent, ScopeGroup, ServiceGroup } from './request-content.ts';
import { type Attributes, resourceAttributes } from './span-content.ts';

export const nanosecondDigits = 19;

export function encodeJson(request: RequestContent): Patchable {
  return joined([raw('{"resourceSpans":['), ...listed(request.services.map(resourceSpans)), raw(']}')]);
}

function resourceSpans(group: ServiceGroup): Patchable {
  const resource = attributes(resourceAttributes(group.service, group.instance));
  return joined([
    raw(`{"resource":{${resource}},"scopeSpans":[`),
    ...listed(group.scopes.map(scopeSpans)),
    raw(`],"schemaUrl":${JSON.stringify(schemaUrl)}}`),
  ]);
}

function scopeSpans(group: ScopeGroup): Patchable {
  const scope = JSON.stringify({ name: group.scope, version: scopeVersion });
  return joined([raw(`{"scope":${scope},"spans":[`), ...listed(group.spans.map(span)), raw(']}')]);
}

function span({ place, content }: PlacedSpan): Patchable {
  const parts = [raw('{"traceId":"'), open('traceId', place, 32), raw('","spanId":"'), open('spanId', place, 16)];
  if (content.hasParent) parts.push(raw('","parentSpanId":"'), open('parentSpanId', place, 16));
  parts.push(
    raw(`","flags":${spanFlags},"name":${JSON.stringify(content.name)},"kind":${content.kind},"startTimeUnixNano":"`),
    open('start', place, nanosecondDigits),
    raw('","endTimeUnixNano":"'),
    open('end', place, nanosecondDigits),
    raw(`",${attributes(content.attributes)}`),
  );
  if (content.exception !== undefined) {
    parts.push(raw(',"events":[{"timeUnixNano":"'), open('event', place, nanosecondDigits));
    parts.push(raw(`","name":"exception",${attributes(content.exception)}}]`));
  }
  const status = content.status === 0 ? {} : { message: content.statusMessage, code: content.status };
  parts.push(raw(`,"status":${JSON.stringify(status)}}`));
  return joined(parts);
}

function attributes(entries: Attributes): string {
  const list = entries.map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }));
  return `"attributes":${JSON.stringify(list)}`;
}

function listed(parts: readonly Patchable[]): Patchable[] {
  return parts.flatMap((part, i) => (i === 0 ? [part] : [raw(','), part]));
}

function raw(json: string): Patchable {
  return fixed(Buffer.from(json));
}
