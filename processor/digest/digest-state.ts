/**
 * The bytes of a digest as ClickHouse stores them: AggregateFunction(quantilesTDigest(…), Float32).
 * Layout: LEB128 varuint n, then n times (Float32 mean, Float32 weight), little-endian, sorted by mean.
 * The engine checks weights but accepts NaN, unsorted and absurd means, so what leaves here is right by construction.
 */
import { type Digest, digestOf, isDigestible } from './digest.ts';

const rawLimit = 32;

/** The state of a digest; an empty one is the single byte 0. */
export function encodeState(digest: Digest): Uint8Array {
  const { means, weights } = digest;
  return writeState(means.length, means, (i) => weights[i]!);
}

/** The state of a few values, each its own centroid (exact); above 32 values the state of their digest. */
export function rawState(values: Float64Array | readonly number[]): Uint8Array {
  if (values.length > rawLimit) return encodeState(digestOf(values));
  const sorted = Float64Array.from(values).filter(isDigestible).toSorted();
  return writeState(sorted.length, sorted, () => 1);
}

function writeState(size: number, means: ArrayLike<number>, weightAt: (index: number) => number): Uint8Array {
  const prefix: number[] = [];
  let rest = size;
  while (rest > 0x7f) {
    prefix.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  prefix.push(rest);
  const bytes = new Uint8Array(prefix.length + size * 8);
  bytes.set(prefix);
  const view = new DataView(bytes.buffer, prefix.length);
  for (let i = 0; i < size; i++) {
    view.setFloat32(i * 8, means[i]!, true);
    view.setFloat32(i * 8 + 4, weightAt(i), true);
  }
  return bytes;
}
