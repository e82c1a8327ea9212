/**
 * Scans the protobuf bytes of an export request: validates every byte's framing and notes which spans are kept.
 * Owns the walk down to the spans, the counts and the plan of what is kept; span-scan.ts reads a span,
 * sightings.ts settles which local roots stay, reframe.ts writes the result.
 * Not reentrant: one scan at a time, its result is valid until the next.
 */
import type { Dialect } from '../../schema/dialect.ts';
import { Discriminators } from './discriminators.ts';
import { messageIndex, MessageValidator } from './message-validator.ts';
import * as plan from './scan-plan.ts';
import { SpanScan } from './span-scan.ts';
import { malformed, WireCursor } from './wire-cursor.ts';

const RESOURCE = messageIndex('Resource');
const SCOPE = messageIndex('InstrumentationScope');
const DEPRECATED_FIELD = 1000;

export class RequestScan {
  readonly plan = new plan.ScanPlan();
  /** Spans in the request, kept or not. */
  spans = 0;
  /** Tagged spans left out because an id is missing or zero. */
  invalidIds = 0;
  /** Spans left out because they came in the deprecated field beside scope_spans. */
  deprecated = 0;
  /** Whether the plan has an UNDECIDED entry, a LOCAL_ROOT entry. */
  hasUndecided = false;
  hasLocalRoots = false;

  readonly #span: SpanScan;
  readonly #validator = new MessageValidator();
  readonly #cursor = new WireCursor();
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(dialects: readonly Dialect[]) {
    this.#span = new SpanScan(new Discriminators(dialects), this.#validator);
  }

  /** Reads an ExportTraceServiceRequest; throws a Refusal when any byte of it is malformed. */
  scan(request: Uint8Array): void {
    this.plan.clear();
    this.spans = 0;
    this.invalidIds = 0;
    this.deprecated = 0;
    this.hasUndecided = false;
    this.hasLocalRoots = false;
    this.#view = new DataView(request.buffer, request.byteOffset, request.length);
    const cursor = this.#cursor;
    cursor.pos = 0;
    while (cursor.pos < request.length) {
      const tagAt = cursor.pos;
      const tag = cursor.tag(request, request.length);
      if (tag === 0x0a) this.#resourceSpans(request, cursor.contentEnd(request, request.length));
      else this.#unknownField(request, request.length, tag, tagAt, 1, 'ExportTraceServiceRequest');
    }
  }

  #resourceSpans(buf: Uint8Array, end: number): void {
    const cursor = this.#cursor;
    const begin = this.plan.length;
    const spansBefore = this.spans;
    let scopeSpans = 0;
    let deprecatedSpans = 0;
    let deprecatedInvalid = 0;
    this.plan.push(plan.RESOURCE_SPANS, 0, 0, 0);
    const first = this.plan.length;
    while (cursor.pos < end) {
      const tagAt = cursor.pos;
      const tag = cursor.tag(buf, end);
      if (tag === 0x12) {
        scopeSpans++;
        this.#scopeSpans(buf, cursor.contentEnd(buf, end), plan.SCOPE_SPANS);
      } else if (tag === 0x0a) {
        this.#header(buf, end, tagAt, RESOURCE, plan.RESOURCE);
      } else if (tag === 0x1a) {
        cursor.pos = cursor.contentEnd(buf, end);
      } else if (tag >>> 3 === DEPRECATED_FIELD) {
        if ((tag & 7) !== 2) throw malformed(`wrong wireType = ${tag & 7} for field 1000 of ResourceSpans`, tagAt);
        const before = this.spans;
        const invalidBefore = this.invalidIds;
        this.#scopeSpans(buf, cursor.contentEnd(buf, end), plan.DEPRECATED_SCOPE_SPANS);
        deprecatedSpans += this.spans - before;
        deprecatedInvalid += this.invalidIds - invalidBefore;
      } else {
        this.#unknownField(buf, end, tag, tagAt, 3, 'ResourceSpans');
      }
    }
    if (scopeSpans > 0 && deprecatedSpans > 0) {
      this.invalidIds -= deprecatedInvalid;
      this.#dropDeprecated(first, deprecatedSpans);
    }
    if (spansBefore === this.spans || !this.#keepsSpan(first)) this.plan.length = begin;
  }

  #scopeSpans(buf: Uint8Array, end: number, kind: number): void {
    const cursor = this.#cursor;
    const begin = this.plan.length;
    const view = this.#view;
    let kept = 0;
    this.plan.push(kind, 0, 0, 0);
    while (cursor.pos < end) {
      const tagAt = cursor.pos;
      const usualEnd = usualSpanEnd(view, tagAt, end);
      if (usualEnd > 0) {
        if (this.#scanSpan(buf, tagAt, tagAt + 3, usualEnd)) kept++;
        continue;
      }
      const tag = cursor.tag(buf, end);
      if (tag === 0x12) {
        const spanEnd = cursor.contentEnd(buf, end);
        if (this.#scanSpan(buf, tagAt, cursor.pos, spanEnd)) kept++;
      } else if (tag === 0x0a) {
        this.#header(buf, end, tagAt, SCOPE, plan.SCOPE);
      } else if (tag === 0x1a) {
        cursor.pos = cursor.contentEnd(buf, end);
      } else {
        this.#unknownField(buf, end, tag, tagAt, 3, 'ScopeSpans');
      }
    }
    if (kept === 0) this.plan.length = begin;
  }

  /** Whether it is kept, or may be. */
  #scanSpan(buf: Uint8Array, tagAt: number, start: number, end: number): boolean {
    const span = this.#span;
    span.scan(buf, this.#view, start, end);
    this.#cursor.pos = end;
    this.spans++;
    return span.remarkable && this.#note(tagAt, end);
  }

  /** Notes the span just read if it is kept, or may be. */
  #note(tagAt: number, end: number): boolean {
    const span = this.#span;
    let kind: number;
    if (span.tagged) {
      if (!span.validIds) {
        this.invalidIds++;
        return false;
      }
      // A local root needs no other root to be understood.
      kind = span.undecided && !span.localRoot ? plan.UNDECIDED : plan.TAGGED;
      if (kind === plan.UNDECIDED) this.hasUndecided = true;
    } else if (!span.validIds) {
      return false;
    } else if (span.error) {
      kind = plan.EVIDENCE;
    } else if (span.localRoot) {
      kind = plan.LOCAL_ROOT;
      this.hasLocalRoots = true;
    } else {
      return false;
    }
    this.plan.push(kind, tagAt, end, span.traceIdAt);
    return true;
  }

  #header(buf: Uint8Array, limit: number, tagAt: number, message: number, kind: number): void {
    const end = this.#cursor.contentEnd(buf, limit);
    this.#validator.validate(buf, this.#cursor.pos, end, message);
    this.plan.push(kind, tagAt, end, this.#cursor.pos);
    this.#cursor.pos = end;
  }

  #unknownField(buf: Uint8Array, end: number, tag: number, tagAt: number, lastField: number, name: string): void {
    const field = tag >>> 3;
    if (field <= lastField) throw malformed(`wrong wireType = ${tag & 7} for field ${field} of ${name}`, tagAt);
    this.#cursor.skipUnknown(buf, end, tag);
  }

  /** The deprecated field counts only where scope_spans is absent, as in the Collector's MigrateTraces. */
  #dropDeprecated(first: number, spans: number): void {
    this.deprecated += spans;
    let dropping = false;
    for (let i = first; i < this.plan.length; i++) {
      const kind = this.plan.kind(i);
      if (kind === plan.SCOPE_SPANS || kind === plan.DEPRECATED_SCOPE_SPANS) {
        dropping = kind === plan.DEPRECATED_SCOPE_SPANS;
      }
      if (dropping && kind !== plan.RESOURCE) this.plan.setKind(i, plan.DROPPED);
    }
  }

  #keepsSpan(first: number): boolean {
    for (let i = first; i < this.plan.length; i++) if (this.plan.kind(i) >= plan.TAGGED) return true;
    return false;
  }
}

/** Where the span ends whose tag stands at `tagAt`, when it has 128 to 16,383 bytes as nearly all have; else 0. */
function usualSpanEnd(view: DataView, tagAt: number, limit: number): number {
  if (tagAt + 4 > limit) return 0;
  const head = view.getInt32(tagAt, true);
  const end = tagAt + 3 + ((head >>> 8) & 0x7f) + ((head >>> 9) & 0x3f80);
  return (head & 0x0080_80ff) === 0x0000_8012 && end <= limit ? end : 0;
}
