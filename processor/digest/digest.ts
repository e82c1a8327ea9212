/**
 * The t-digest of a set of durations: a few hundred weighted means from which any quantile can be read, and which
 * can be merged, here and inside ClickHouse, without going back to the values.
 * Owns the immutable digest and how one is made. Not: its bytes (digest-state.ts), the streaming form (digest-builder.ts).
 * Invariant: means never decrease, no mean is negative or infinite or NaN, every weight is > 0.
 */
import { type Centroids, compressCentroids } from './compress-centroids.ts';

export interface Digest {
  /** Means of the centroids in the unit of the values, never decreasing. */
  readonly means: Float32Array;
  /** Number of values behind each mean. */
  readonly weights: Float32Array;
  /** Number of values in the digest; 0 = empty, its quantiles are NaN. */
  readonly count: number;
  /** Values that were offered and not taken (see {@link isDigestible}); for the caller to count. */
  readonly refused: number;
}

/** The greatest number that a Float32 holds: anything above would reach ClickHouse as infinity. */
const maxFloat32 = 3.4028234663852886e38;

export const emptyDigest: Digest = Object.freeze({
  means: new Float32Array(0),
  weights: new Float32Array(0),
  count: 0,
  refused: 0,
});

/** Whether a value may enter a digest: a number >= 0 that a Float32 can hold. NaN and infinity would poison a merge. */
export function isDigestible(value: number): boolean {
  return value >= 0 && value <= maxFloat32;
}

/**
 * The digest of a set of values, in any order: sorted first, so that it is a pure function of the multiset.
 * Up to 199 values it is exact (each value its own centroid). Values that are not digestible are left out and counted.
 */
export function digestOf(values: Float64Array | readonly number[]): Digest {
  return digestOfSorted(new Float64Array(values).toSorted());
}

/** The same of values that are in ascending order already (NaN last, as typed arrays sort). */
export function digestOfSorted(sorted: Float64Array): Digest {
  // What cannot be digested stands at the ends: negatives first, then too great, infinity and NaN.
  let from = 0;
  let until = sorted.length;
  while (from < until && sorted[from]! < 0) from++;
  while (until > from && !isDigestible(sorted[until - 1]!)) until--;
  const means = sorted.slice(from, until);
  const centroids = { means, weights: new Float64Array(means.length).fill(1), size: means.length };
  return digestFrom(centroids, sorted.length - means.length);
}

/**
 * The digest of all values behind the given digests. A pure function of the set of digests: their centroids are
 * sorted by mean, then weight, and merged in one pass. ClickHouse's `quantilesTDigestMerge` uses the same rule, but
 * compresses in between when more than 2,048 centroids wait, in the order in which it meets the states.
 */
export function mergeDigests(digests: Iterable<Digest>): Digest {
  const parts = [...digests];
  const size = parts.reduce((sum, part) => sum + part.means.length, 0);
  const refused = parts.reduce((sum, part) => sum + part.refused, 0);
  const entries: [mean: number, weight: number][] = [];
  for (const { means, weights } of parts) {
    for (let i = 0; i < means.length; i++) entries.push([means[i]!, weights[i]!]);
  }
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const means = Float64Array.from(entries, (entry) => entry[0]);
  const weights = Float64Array.from(entries, (entry) => entry[1]);
  return digestFrom({ means, weights, size }, refused);
}

/** Compresses sorted centroids (destroying them) into a digest. */
export function digestFrom(centroids: Centroids, refused: number): Digest {
  const count = compressCentroids(centroids);
  return {
    means: Float32Array.from(centroids.means.subarray(0, centroids.size)),
    weights: Float32Array.from(centroids.weights.subarray(0, centroids.size)),
    count,
    refused,
  };
}
