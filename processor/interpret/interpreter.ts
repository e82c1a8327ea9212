/**
 * Turns the kept spans of one journal record into events, by the dialect tables.
 * Owns the walk over TracesData and the meaning of a dialect's attributes; knows nothing of runs.
 */
import { Buffer } from 'node:buffer';
import type { Dialect } from '../../schema/dialect.ts';
import type { Micros } from '../../schema/journal-record.ts';
import type { Event } from '../event.ts';
import { EventRole, StatusCode } from '../event.ts';
import { AttributeKeys } from './attribute-keys.ts';
import { AttributeValues } from './attribute-values.ts';
import { CompiledDialect } from './compiled-dialect.ts';
import { ContentHash } from './content-hash.ts';
import { hashEvent } from './hash-event.ts';
import { parseAttempt, parseTimestamp } from './parse-values.ts';
import { Interner } from './interner.ts';
import { RawSpan } from './raw-span.ts';
import { messageEnd, Reader } from './reader.ts';
import { ResourceScope } from './resource-scope.ts';

/** Error texts longer than this are cut: they name what broke, they are no log. */
const MAX_MESSAGE_LENGTH = 1024;

export class Interpreter {
  readonly #dialects: readonly CompiledDialect[];
  readonly #exceptionType: number;
  readonly #exceptionMessage: number;
  readonly #raw: RawSpan;
  readonly #around: ResourceScope;
  readonly #hash = new ContentHash();

  constructor(dialects: readonly Dialect[]) {
    const keys = new AttributeKeys();
    const interner = new Interner();
    this.#dialects = dialects.map((dialect) => new CompiledDialect(dialect, keys));
    this.#exceptionType = keys.slot('exception.type');
    this.#exceptionMessage = keys.slot('exception.message');
    const resourceSlots = ResourceScope.slots(keys);
    const newValues = (): AttributeValues => new AttributeValues(keys, interner);
    this.#raw = new RawSpan(newValues, interner);
    this.#around = new ResourceScope(newValues, resourceSlots);
  }

  /**
   * @param tracesData valid OTLP TracesData (the receiver's scan validated every byte)
   * @param at journal time of the record, the events' receipt
   * @throws when the bytes are not TracesData: a journal that lies
   */
  events(tracesData: Uint8Array, at: Micros, onEvent: (event: Event) => void): void {
    const reader = Reader.create(
      Buffer.isBuffer(tracesData)
        ? tracesData
        : Buffer.from(tracesData.buffer, tracesData.byteOffset, tracesData.byteLength),
    );
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x0a) this.#readResourceSpans(reader, messageEnd(reader), at, onEvent);
      else reader.skipType(tag & 7);
    }
  }

  /** ResourceSpans { resource = 1, scope_spans = 2 }, in any order. */
  #readResourceSpans(reader: Reader, end: number, at: Micros, onEvent: (event: Event) => void): void {
    const scopeSpans: number[] = [];
    this.#around.clearResource(reader);
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === 0x0a) this.#around.readResource(messageEnd(reader));
      else if (tag === 0x12) skipRange(reader, scopeSpans);
      else reader.skipType(tag & 7);
    }
    for (let i = 0; i < scopeSpans.length; i += 2) {
      reader.pos = scopeSpans[i]!;
      this.#readScopeSpans(reader, scopeSpans[i + 1]!, at, onEvent);
    }
    reader.pos = end;
  }

  /** ScopeSpans { scope = 1, spans = 2 }, in any order. */
  #readScopeSpans(reader: Reader, end: number, at: Micros, onEvent: (event: Event) => void): void {
    const spans: number[] = [];
    this.#around.clearScope(reader);
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === 0x0a) this.#around.readScope(messageEnd(reader));
      else if (tag === 0x12) skipRange(reader, spans);
      else reader.skipType(tag & 7);
    }
    for (let i = 0; i < spans.length; i += 2) {
      reader.pos = spans[i]!;
      this.#raw.read(reader, spans[i + 1]!);
      onEvent(this.#interpret(at));
    }
  }

  #interpret(at: Micros): Event {
    const attributes = this.#raw.attributes;
    for (const dialect of this.#dialects) {
      const role = dialect.role(attributes);
      if (role !== EventRole.UNTAGGED) return this.#event(role, dialect, at);
    }
    return this.#event(EventRole.UNTAGGED, undefined, at);
  }

  #event(role: EventRole, dialect: CompiledDialect | undefined, at: Micros): Event {
    const raw = this.#raw;
    const around = this.#around;
    const slots = dialect?.slots;
    const outcome = dialect === undefined ? '' : dialect.outcome(raw.attributes);
    const status = raw.status === StatusCode.OK || raw.status === StatusCode.ERROR ? raw.status : StatusCode.UNSET;
    const failed = status === StatusCode.ERROR || outcome === 'failure';
    const event = {
      role,
      dialect: dialect?.name ?? '',
      unsetIsSuccess: dialect?.unsetIsSuccess ?? false,
      traceId: raw.traceId,
      spanId: raw.spanId,
      parentSpanId: raw.parentSpanId,
      remoteParent: raw.parentSpanId !== '' && (raw.flags & 0x300) === 0x300,
      start: raw.start,
      end: raw.end,
      status,
      name: raw.name,
      process: this.#text(slots?.process),
      runId: this.#text(slots?.runId),
      stepName: this.#text(slots?.stepName),
      stepKey: this.#text(slots?.stepKey),
      verb: this.#text(slots?.stepVerb),
      attempt: parseAttempt(this.#text(slots?.stepAttempt)),
      environment: around.environment,
      service: around.service,
      serviceVersion: around.serviceVersion,
      resource: around.resource,
      outcome,
      trigger: role === EventRole.WORKFLOW ? this.#text(slots?.trigger) : '',
      enqueuedAt: role === EventRole.WORKFLOW ? parseTimestamp(this.#text(slots?.enqueuedAt)) : null,
      errorType: failed ? this.#errorType(slots) : '',
      errorMessage: failed ? this.#errorMessage(slots) : '',
      sampled: raw.traceState !== '' && isSampled(raw.traceState),
      hashHigh: 0,
      hashLow: 0,
      received: at,
    };
    hashEvent(this.#hash, event);
    event.hashHigh = this.#hash.high;
    event.hashLow = this.#hash.low;
    return event;
  }

  /** First of the slots that has a text, on the span, then the resource, then the scope; '' when none has. */
  #text(slots: readonly number[] | undefined): string {
    if (slots === undefined) return '';
    for (const slot of slots) {
      const text = this.#raw.attributes.text(slot) ?? this.#around.text(slot);
      if (text !== undefined && text !== '') return text;
    }
    return '';
  }

  #errorType(slots: CompiledDialect['slots'] | undefined): string {
    return this.#text(slots?.errorType) || this.#raw.exception.text(this.#exceptionType) || '';
  }

  #errorMessage(slots: CompiledDialect['slots'] | undefined): string {
    const message =
      this.#text(slots?.errorMessage) || this.#raw.exception.text(this.#exceptionMessage) || this.#raw.statusMessage;
    return message.length > MAX_MESSAGE_LENGTH ? message.slice(0, MAX_MESSAGE_LENGTH) : message;
  }
}

/** Notes the embedded message's start and end for later, and steps over it. */
function skipRange(reader: Reader, ranges: number[]): void {
  const end = messageEnd(reader);
  ranges.push(reader.pos, end);
  reader.pos = end;
}

/** Whether tracestate's OpenTelemetry member carries a rejection threshold above zero (`ot=th:…`, OTEP 235). */
function isSampled(traceState: string): boolean {
  const threshold = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]+)/.exec(traceState);
  return threshold !== null && /[^0]/.test(threshold[1]!);
}
