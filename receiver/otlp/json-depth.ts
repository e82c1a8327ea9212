/**
 * Refuses JSON that is nested absurdly deep before it is parsed: JSON.parse keeps some 80 bytes for each level that is
 * open, so that 20 MiB of `[` would take 1.7 GiB.
 * Owns the count of brackets outside of texts; whether it is JSON at all is the parser's business.
 */
import { Refusal } from './refusal.ts';

/** As deep as the Collector goes. */
const MAX_DEPTH = 10_000;
/** In less than this, objects alone (four bytes a level) cannot nest so deep that it matters. */
const SMALL_BYTES = 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
/** Both kinds of bracket, with the bit that differs set. */
const OPENING = 0x7b;
const CLOSING = 0x7d;

/** Throws a Refusal when `body` nests deeper than the Collector accepts and is large enough for that to cost memory. */
export function checkDepth(body: Buffer): void {
  // A look at every byte takes a quarter of the time that parsing takes; honest requests have few arrays.
  if (body.length <= SMALL_BYTES && !hasManyArrays(body)) return;
  if (isTooDeep(body)) throw new Refusal('malformed', `json: exceeded max depth of ${MAX_DEPTH}`);
}

function hasManyArrays(body: Buffer): boolean {
  let arrays = 0;
  for (let at = body.indexOf(BRACKET); at >= 0; at = body.indexOf(BRACKET, at + 1)) {
    if (++arrays > MAX_DEPTH) return true;
  }
  return false;
}

function isTooDeep(body: Buffer): boolean {
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) {
      i = textEnd(body, i + 1);
    } else if ((byte | 0x20) === OPENING) {
      if (++depth > MAX_DEPTH) return true;
    } else if ((byte | 0x20) === CLOSING) {
      depth--;
    }
  }
  return false;
}

/** Where the quote stands that ends the text, or behind the end of the body. */
function textEnd(body: Buffer, start: number): number {
  let i = start;
  while (i < body.length && body[i] !== QUOTE) i += body[i] === BACKSLASH ? 2 : 1;
  return i;
}
