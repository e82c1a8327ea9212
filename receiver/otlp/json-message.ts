/**
 * Writes parsed OTLP/JSON as protobuf by the table in trace-messages.ts, checking each value on the way.
 * Owns names (camelCase and snake_case are both read), nesting and the walk; json-scalar.ts owns the values.
 * null stands for the default everywhere; unknown keys are passed over unread. Fields are written in the order of
 * the document, so that of two members of a oneof the last wins, as on the wire.
 */
import protobuf from 'protobufjs/minimal.js';
import { shown } from './json-integer.ts';
import { writeScalar } from './json-scalar.ts';
import { Refusal } from './refusal.ts';
import { traceMessages, wireTypeOf, type FieldShape, type MessageName, type ScalarType } from './trace-messages.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Decides for a span whether it is written; it is validated in any case. */
export type SpanFilter = (span: JsonObject) => boolean;

interface Field {
  readonly name: string;
  readonly tag: number;
  readonly scalar: ScalarType | undefined;
  readonly message: MessageName | undefined;
  readonly repeated: boolean;
}

/** AnyValues nested deeper than this are refused: the walk recurses. The Collector stops at some depth, too. */
const MAX_DEPTH = 200;

export class JsonMessageWriter {
  readonly #fields = compile();
  readonly #keepSpan: SpanFilter;
  #writer = protobuf.Writer.create();
  /** False while a span that is not kept is validated. */
  #writing = true;
  #depth = 0;

  constructor(keepSpan: SpanFilter) {
    this.#keepSpan = keepSpan;
  }

  /** The bytes of a whole message; throws a Refusal when a value is not what its field takes. */
  encode(message: MessageName, value: unknown): Buffer {
    this.#writer = protobuf.Writer.create();
    this.#writing = true;
    this.#depth = 0;
    this.#message(message, value, message);
    return this.#writer.finish() as Buffer;
  }

  /** Writes the fields of a message, without a tag or length of its own. */
  #message(message: MessageName, value: unknown, path: string): void {
    if (value === null) return;
    if (!isObject(value)) throw unexpected(path, 'an object', value);
    if (++this.#depth > MAX_DEPTH) throw new Refusal('malformed', `json: nested deeper than ${MAX_DEPTH} messages`);
    const fields = this.#fields.get(message)!;
    for (const key in value) {
      const field = fields.get(key);
      const content = value[key];
      if (field === undefined || content === null) continue;
      if (field.repeated) this.#repeated(field, content);
      else this.#single(field, content);
    }
    this.#depth--;
  }

  #repeated(field: Field, content: unknown): void {
    if (!Array.isArray(content)) throw unexpected(field.name, 'an array', content);
    for (const element of content as unknown[]) {
      if (field.message === 'Span') this.#span(field, element);
      else this.#single(field, element ?? (field.message === undefined ? '' : null));
    }
  }

  #single(field: Field, content: unknown): void {
    if (field.scalar !== undefined) {
      writeScalar(this.#writing ? this.#writer : undefined, field.tag, field.scalar, content, field.name);
    } else if (this.#writing) {
      this.#writer.uint32(field.tag).fork();
      this.#message(field.message!, content, field.name);
      this.#writer.ldelim();
    } else {
      this.#message(field.message!, content, field.name);
    }
  }

  #span(field: Field, span: unknown): void {
    this.#writing = this.#keepSpan(isObject(span) ? span : {});
    this.#single(field, span);
    this.#writing = true;
  }
}

function compile(): ReadonlyMap<MessageName, ReadonlyMap<string, Field>> {
  const messages = new Map<MessageName, Map<string, Field>>();
  for (const [message, shapes] of Object.entries(traceMessages)) {
    const fields = new Map<string, Field>();
    for (const [snakeCase, shape] of Object.entries(shapes)) {
      const camelCase = snakeCase.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const field = fieldOf(`${message}.${camelCase}`, shape);
      fields.set(snakeCase, field);
      fields.set(camelCase, field);
    }
    messages.set(message as MessageName, fields);
  }
  return messages;
}

function fieldOf(name: string, { number, type, repeated }: FieldShape): Field {
  const isMessage = type in traceMessages;
  return {
    name,
    tag: (number << 3) | wireTypeOf(type),
    scalar: isMessage ? undefined : (type as ScalarType),
    message: isMessage ? (type as MessageName) : undefined,
    repeated: repeated === true,
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unexpected(path: string, expected: string, value: unknown): Refusal {
  const got = Array.isArray(value) ? 'an array' : shown(value);
  return new Refusal('malformed', `json: ${path}: expected ${expected}, got ${got}`);
}
