/**
 * Reads an OTLP/JSON request into the protobuf bytes that the scan reads, so that one code path decides and re-frames.
 * Owns the parsing, and which spans are worth encoding: those that may be kept. The others are validated and counted.
 * A second document, a BOM or bytes that are no UTF-8 JSON are refused. Of a key that occurs twice in one object only
 * the last counts, as JSON.parse has it.
 */
import type { Dialect } from '../../schema/dialect.ts';
import { checkDepth } from './json-depth.ts';
import { InexactInteger } from './json-integer.ts';
import { JsonMessageWriter } from './json-message.ts';
import { JsonSpanTest } from './json-span-test.ts';
import { Refusal } from './refusal.ts';

export class JsonRequestReader {
  readonly #messages: JsonMessageWriter;
  #skipped = 0;

  constructor(dialects: readonly Dialect[]) {
    const test = new JsonSpanTest(dialects);
    this.#messages = new JsonMessageWriter((span) => {
      const worth = test.mayBeKept(span);
      if (!worth) this.#skipped++;
      return worth;
    });
  }

  /**
   * The request as ExportTraceServiceRequest bytes with the spans that may be kept, and how many were left out.
   * Throws a Refusal when any value of it is not what its field takes.
   */
  read(body: Buffer): { request: Buffer; skipped: number } {
    checkDepth(body);
    const text = body.toString('utf8');
    try {
      return this.#encode(parse(text));
    } catch (error) {
      // Some number needs more than the 53 bits of a double: read again with the digits kept.
      if (error instanceof InexactInteger) return this.#encodeExactly(text);
      throw error;
    }
  }

  #encodeExactly(text: string): { request: Buffer; skipped: number } {
    try {
      return this.#encode(parse(text, keepDigits));
    } catch (error) {
      if (!(error instanceof InexactInteger)) throw error;
      throw new Refusal('malformed', `json: ${error.message}: expected an integer in plain digits`);
    }
  }

  #encode(document: unknown): { request: Buffer; skipped: number } {
    this.#skipped = 0;
    const request = this.#messages.encode('ExportTraceServiceRequest', document);
    return { request, skipped: this.#skipped };
  }
}

function parse(text: string, reviver?: typeof keepDigits): unknown {
  try {
    return reviver === undefined ? JSON.parse(text) : JSON.parse(text, reviver);
  } catch (error) {
    // A reviver walks the document recursively, so that absurd nesting ends here as a RangeError.
    throw new Refusal('malformed', `json: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
}
