/** How far an estimated quantile is from the exact one, in ranks. */

/** Distance of `q` from the range of quantiles that `value` holds in the sorted sample (0 = exact). */
export function rankError(sorted: Float64Array, value: number, q: number): number {
  const below = firstIndex(sorted, (v) => v >= value) / sorted.length;
  const upTo = firstIndex(sorted, (v) => v > value) / sorted.length;
  if (q < below) return below - q;
  return q > upTo ? q - upTo : 0;
}

function firstIndex(sorted: Float64Array, holds: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
