/**
 * Reading a quantile from a digest, with ClickHouse's interpolation: linear between the middles of two centroids,
 * except that a centroid of one value is that value.
 * Computed in the engine's precision (Float32 sums and arguments), so that both give the same number.
 */
import type { Digest } from './digest.ts';

/** The value at quantile `q` (0..1) in the unit of the values; NaN when the digest is empty. */
export function quantileOf(digest: Digest, q: number): number {
  const { means, weights, count } = digest;
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile must lie between 0 and 1, got ${q}`);
  if (means.length === 0) return Number.NaN;
  if (means.length === 1) return means[0]!;
  const rank = q * count;
  let previousMiddle = 0;
  let previousMean = means[0]!;
  let previousWeight = weights[0]!;
  let before = 0;
  for (let i = 0; i < means.length; i++) {
    const mean = means[i]!;
    const weight = weights[i]!;
    const middle = before + weight * 0.5;
    if (middle >= rank) {
      const left = previousMiddle + (previousWeight === 1 ? 0.5 : 0);
      const right = middle - (weight === 1 ? 0.5 : 0);
      if (rank <= left) return previousMean;
      if (rank >= right) return mean;
      return interpolate(rank, left, previousMean, right, mean);
    }
    before = Math.fround(before + weight);
    previousMiddle = middle;
    previousMean = mean;
    previousWeight = weight;
  }
  return previousMean;
}

function interpolate(rank: number, left: number, leftMean: number, right: number, rightMean: number): number {
  const from = Math.fround(left);
  const share = Math.fround(Math.fround(Math.fround(rank) - from) / Math.fround(Math.fround(right) - from));
  return Math.fround((1 - share) * leftMean + share * rightMean);
}
