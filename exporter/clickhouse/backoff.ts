/** How long to wait before the next try. Owns the arithmetic only. */
import type { RetrySettings } from './config.ts';

/** `attempt` counts from 1; `random` is uniform in [0, 1). */
export function backoffMs(settings: RetrySettings, attempt: number, random: number): number {
  // Beyond 2^30 the interval is the longest one anyway; the exponent must not overflow over days of retries.
  const grown = settings.initialIntervalMs * settings.multiplier ** Math.min(attempt - 1, 30);
  const spread = 1 + settings.randomizationFactor * (2 * random - 1);
  return Math.min(grown, settings.maxIntervalMs) * spread;
}
