/**
 * Go-style durations (`300ms`, `2s`, `1m30s`, `24h`), as the Collector spells them.
 * Owns the text form only; what a duration may be is said where it is used.
 */

const unitUs: Readonly<Record<string, number>> = {
  us: 1,
  µs: 1,
  ms: 1_000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
};

const part = /(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)/gy;

/** A duration in whole microseconds; undefined when the text is not one. `0` needs no unit, as in Go. */
export function parseDurationUs(text: string): number | undefined {
  if (text === '0') return 0;
  let totalUs = 0;
  let end = 0;
  part.lastIndex = 0;
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    totalUs += Number(match[1]) * (unitUs[match[2]!] ?? Number.NaN);
    end = part.lastIndex;
  }
  if (end === 0 || end !== text.length) return undefined;
  const wholeUs = Math.round(totalUs);
  return Number.isSafeInteger(wholeUs) ? wholeUs : undefined;
}
