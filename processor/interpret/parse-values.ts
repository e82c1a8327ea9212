/** Attribute texts that mean a number or a time. Owns the accepted spellings; anything else reads as absent. */
import type { Instant } from '../../schema/rows.ts';

const MAX_ATTEMPT = 1_000_000;

/** An attempt number, 1.. ; 0 when the text is no such number. */
export function parseAttempt(text: string): number {
  if (!/^\d{1,7}$/.test(text)) return 0;
  const attempt = Number(text);
  return attempt <= MAX_ATTEMPT ? attempt : 0;
}

/**
 * A time stamp: a whole number of seconds, milliseconds, microseconds or nanoseconds since the epoch (told apart by
 * magnitude, unambiguous from 2001 to 2286), or an ISO 8601 text with a zone. Null when it is neither.
 */
export function parseTimestamp(text: string): Instant | null {
  if (text === '') return null;
  if (/^\d{10,19}$/.test(text)) return fromDigits(text);
  if (!/^\d{4}-\d{2}-\d{2}T[\d:.,]+(?:Z|[+-]\d{2}:?\d{2})$/i.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms < 0 ? null : { us: ms * 1000 + microsOfFraction(text), ns: 0 };
}

function fromDigits(text: string): Instant | null {
  switch (text.length) {
    case 10:
      return { us: Number(text) * 1_000_000, ns: 0 };
    case 13:
      return { us: Number(text) * 1000, ns: 0 };
    case 16:
      return { us: Number(text), ns: 0 };
    case 19:
      return { us: Number(text.slice(0, 16)), ns: Number(text.slice(16)) };
    default:
      return null;
  }
}

/** The microseconds that Date.parse drops: fraction digits four to six. */
function microsOfFraction(text: string): number {
  const fraction = /[.,](\d+)/.exec(text)?.[1] ?? '';
  return Number(fraction.slice(3, 6).padEnd(3, '0'));
}
