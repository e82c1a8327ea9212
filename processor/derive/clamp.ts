/**
 * The times of a span as they may be shown: ends that lie in the future of their receipt, or are missing, are mended.
 * Owns the mending and the flags that tell of it (DESIGN section 4, "Duration").
 */
import type { Instant } from '../../schema/rows.ts';
import type { Quality } from '../../schema/state.ts';
import { compareInstants, type Event } from '../event.ts';

/** A clock may be this far ahead of ours. */
const MAX_FUTURE_US = 5 * 60 * 1_000_000;

export interface ShownTimes {
  readonly start: Instant;
  readonly end: Instant;
  /** End - start in µs, never negative; null when the end was not measured. */
  readonly durationUs: number | null;
}

/** @param flags gains `clamped`, `synthetic_end` or `clock_skew` where they apply */
export function shownTimes(event: Event, flags: Set<Quality>): ShownTimes {
  const receipt: Instant = { us: event.received, ns: 0 };
  let { start, end } = event;
  let measured = true;
  if (end.us === 0 && end.ns === 0) {
    // The sender never set it: the span ended at some time before we saw it.
    flags.add('synthetic_end');
    end = start.us === 0 ? receipt : start;
    measured = false;
  }
  if (start.us === 0 && start.ns === 0) {
    flags.add('clock_skew');
    start = end;
    measured = false;
  }
  if (end.us > event.received + MAX_FUTURE_US) {
    flags.add('clamped');
    end = receipt;
  }
  if (compareInstants(end, start) < 0) {
    flags.add('clock_skew');
    return { start, end, durationUs: measured ? 0 : null };
  }
  return { start, end, durationUs: measured ? microsBetween(start, end) : null };
}

/** Whole microseconds from start to end, rounded down. */
export function microsBetween(start: Instant, end: Instant): number {
  return end.us - start.us - (end.ns < start.ns ? 1 : 0);
}
