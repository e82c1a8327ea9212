/**
 * Reads a Content-Type as far as OTLP/HTTP needs it. Owns the syntax, not the answer to a wrong one.
 * Source: RFC 9110 section 8.3.1; behaviour of Go's mime.ParseMediaType, which the Collector uses.
 */
import type { Payload } from './intake.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The media type that a payload is sent and answered with. */
export const MEDIA_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const satisfies Record<
  Payload,
  string
>;

const PAYLOADS = Object.keys(MEDIA_TYPES) as Payload[];

/** The payload that a Content-Type header announces; undefined when it is none of the two, or not well-formed. */
export function payloadOf(contentType: string | undefined): Payload | undefined {
  if (contentType === undefined) return undefined;
  const [type, ...parameters] = contentType.split(';');
  const payload = PAYLOADS.find((candidate) => MEDIA_TYPES[candidate] === type!.trim().toLowerCase());
  return areParameters(parameters) ? payload : undefined;
}

/** Whether they are `name=value` pairs, an empty last one allowed, none twice with two values. */
function areParameters(parameters: readonly string[]): boolean {
  const seen = new Map<string, string>();
  for (const [index, parameter] of parameters.entries()) {
    const text = parameter.trim();
    if (text === '' && index === parameters.length - 1) continue;
    const equals = text.indexOf('=');
    const name = text.slice(0, Math.max(equals, 0)).toLowerCase();
    const value = text.slice(equals + 1);
    if (!TOKEN.test(name) || !(TOKEN.test(value) || /^"[^"]*"$/.test(value))) return false;
    if (seen.has(name) && seen.get(name) !== value) return false;
    seen.set(name, value);
  }
  return true;
}
