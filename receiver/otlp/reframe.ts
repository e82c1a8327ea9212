/**
 * Writes the spans that a scan kept as TracesData of their own: each under its resource and scope, byte for byte.
 * Owns sizes and copying; decides nothing. Groups without a span vanish; schema_url is left out;
 * the occurrences of a repeated resource or scope become one message, which is how protobuf merges them.
 * Spans that stood side by side are copied as one range.
 */
import { RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS, TAGGED } from './scan-plan.ts';
import { DEPRECATED_SCOPE_SPANS, type ScanPlan } from './scan-plan.ts';

/** Tag of field 1 (resource_spans, resource, scope) and field 2 (scope_spans, spans), length-delimited. */
const FIELD_1 = 0x0a;
const FIELD_2 = 0x12;
/** The size of a group that is not written. A group that is written has a span and so at least two bytes. */
const NOTHING = 0;

/** The kept spans of `request` as TracesData bytes; undefined when the plan keeps none. */
export function reframe(plan: ScanPlan, request: Buffer): Buffer | undefined {
  const size = measure(plan);
  if (size === NOTHING) return undefined;
  const target = Buffer.allocUnsafe(size);
  let pos = 0;
  let i = 0;
  while (i < plan.length) {
    const end = groupEnd(plan, i);
    if (plan.extra(i) !== NOTHING) pos = writeResourceSpans(plan, i, end, request, target, pos);
    i = end;
  }
  return target;
}

/** Puts into each group's `extra` the size of its content; returns that of the whole. */
function measure(plan: ScanPlan): number {
  let total = 0;
  for (let i = 0; i < plan.length;) {
    const end = groupEnd(plan, i);
    let size = 0;
    for (let j = i + 1; j < end; j++) {
      if (!isScopeGroup(plan.kind(j))) continue;
      const content = measureScopeSpans(plan, j, end);
      plan.setExtra(j, content);
      if (content !== NOTHING) size += delimitedSize(content);
    }
    if (size > 0) size += headerSize(plan, i + 1, end, RESOURCE);
    plan.setExtra(i, size);
    if (size > 0) total += delimitedSize(size);
    i = end;
  }
  return total;
}

function measureScopeSpans(plan: ScanPlan, group: number, limit: number): number {
  const end = scopeGroupEnd(plan, group, limit);
  let size = 0;
  for (let i = group + 1; i < end; i++) if (plan.kind(i) >= TAGGED) size += plan.end(i) - plan.start(i);
  return size === 0 ? NOTHING : size + headerSize(plan, group + 1, end, SCOPE);
}

function writeResourceSpans(
  plan: ScanPlan,
  group: number,
  end: number,
  request: Buffer,
  target: Buffer,
  at: number,
): number {
  let pos = writeDelimiter(target, at, FIELD_1, plan.extra(group));
  pos = writeHeader(plan, group + 1, end, RESOURCE, request, target, pos);
  for (let i = group + 1; i < end; i++) {
    if (!isScopeGroup(plan.kind(i)) || plan.extra(i) === NOTHING) continue;
    const scopeEnd = scopeGroupEnd(plan, i, end);
    pos = writeDelimiter(target, pos, FIELD_2, plan.extra(i));
    pos = writeHeader(plan, i + 1, scopeEnd, SCOPE, request, target, pos);
    pos = writeSpans(plan, i + 1, scopeEnd, request, target, pos);
  }
  return pos;
}

function writeSpans(plan: ScanPlan, first: number, end: number, request: Buffer, target: Buffer, at: number): number {
  let pos = at;
  let start = 0;
  let stop = 0;
  for (let i = first; i < end; i++) {
    if (plan.kind(i) < TAGGED) continue;
    if (plan.start(i) !== stop) {
      pos += request.copy(target, pos, start, stop);
      start = plan.start(i);
    }
    stop = plan.end(i);
  }
  return pos + request.copy(target, pos, start, stop);
}

/** Size of the header of that kind between two entries: one message, whatever number of pieces it came in. */
function headerSize(plan: ScanPlan, first: number, end: number, kind: number): number {
  let pieces = 0;
  let verbatim = 0;
  let content = 0;
  for (let i = first; i < end; i++) {
    if (plan.kind(i) !== kind) continue;
    pieces++;
    verbatim = plan.end(i) - plan.start(i);
    content += plan.end(i) - plan.extra(i);
  }
  return pieces < 2 ? verbatim : delimitedSize(content);
}

function writeHeader(
  plan: ScanPlan,
  first: number,
  end: number,
  kind: number,
  request: Buffer,
  target: Buffer,
  at: number,
): number {
  let pieces = 0;
  let content = 0;
  let last = 0;
  for (let i = first; i < end; i++) {
    if (plan.kind(i) !== kind) continue;
    pieces++;
    last = i;
    content += plan.end(i) - plan.extra(i);
  }
  if (pieces === 0) return at;
  if (pieces === 1) return at + request.copy(target, at, plan.start(last), plan.end(last));
  let pos = writeDelimiter(target, at, FIELD_1, content);
  for (let i = first; i < end; i++) {
    if (plan.kind(i) === kind) pos += request.copy(target, pos, plan.extra(i), plan.end(i));
  }
  return pos;
}

function isScopeGroup(kind: number): boolean {
  return kind === SCOPE_SPANS || kind === DEPRECATED_SCOPE_SPANS;
}

/** First entry behind the resource group that begins at `group`. */
function groupEnd(plan: ScanPlan, group: number): number {
  let i = group + 1;
  while (i < plan.length && plan.kind(i) !== RESOURCE_SPANS) i++;
  return i;
}

/** First entry behind the scope group that begins at `group`; a resource among its entries belongs to no scope. */
function scopeGroupEnd(plan: ScanPlan, group: number, limit: number): number {
  let i = group + 1;
  while (i < limit && !isScopeGroup(plan.kind(i))) i++;
  return i;
}

function delimitedSize(content: number): number {
  return 1 + varintSize(content) + content;
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

function writeDelimiter(target: Buffer, at: number, tag: number, content: number): number {
  target[at] = tag;
  let pos = at + 1;
  let rest = content;
  while (rest > 0x7f) {
    target[pos++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[pos++] = rest;
  return pos;
}
