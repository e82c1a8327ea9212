import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rankError } from '../../../bench/verify/rank-error.ts';
import { DigestBuilder } from '../../../processor/digest/digest-builder.ts';
import { quantileOf } from '../../../processor/digest/digest-quantile.ts';
import { type Digest, digestOf, emptyDigest, mergeDigests } from '../../../processor/digest/digest.ts';
import { randomSource, sampleShapes, shuffled } from './samples.ts';

const quantiles = [0.5, 0.95, 0.99];
const maxRankError = 0.005;

function added(values: Iterable<number>): Digest {
  const builder = new DigestBuilder();
  for (const value of values) builder.add(value);
  return builder.digest();
}

function mergedParts(values: Float64Array, parts: number): Digest {
  return mergeDigests(
    Array.from({ length: parts }, (_, part) => digestOf(values.filter((__, i) => i % parts === part))),
  );
}

function valid(digest: Digest): void {
  let weight = 0;
  digest.means.forEach((mean, i) => {
    expect(Number.isFinite(mean)).toBe(true);
    if (i > 0) expect(mean).toBeGreaterThanOrEqual(digest.means[i - 1]!);
    expect(digest.weights[i]).toBeGreaterThan(0);
    weight += digest.weights[i]!;
  });
  expect(weight).toBe(digest.count);
}

describe('rank error against the exact quantile', () => {
  for (const size of [500, 5_000, 100_000]) {
    for (const [shape, values] of Object.entries(sampleShapes(size, 7))) {
      test(`${shape}, ${size} values: <= 0.5 % from a set, value by value, and merged from 24 parts`, () => {
        const sorted = values.toSorted();
        for (const digest of [digestOf(values), added(values), mergedParts(values, 24)]) {
          valid(digest);
          expect(digest.count).toBe(size);
          for (const q of quantiles) {
            expect(rankError(sorted, quantileOf(digest, q), q)).toBeLessThanOrEqual(maxRankError);
          }
        }
      });
    }
  }

  test('is measured by a ruler that sees a wrong quantile', () => {
    const sorted = Float64Array.from({ length: 1000 }, (_, i) => i);
    expect(rankError(sorted, 940, 0.95)).toBeCloseTo(0.009, 5);
    expect(rankError(sorted, 960, 0.95)).toBeCloseTo(0.01, 5);
    expect(rankError(sorted, 949.5, 0.95)).toBe(0);
  });
});

const durations = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 600 });

describe('digestOf', () => {
  test('is a function of the multiset: any order gives the same centroids', () => {
    fc.assert(
      fc.property(durations, fc.integer(), (values, seed) => {
        expect(digestOf(shuffled(values, randomSource(seed)))).toEqual(digestOf(values));
      }),
    );
  });

  test('keeps every value as its own centroid up to 199 values', () => {
    const values = Float64Array.from({ length: 199 }, (_, i) => i * i);
    expect([...digestOf(values).means]).toEqual([...values]);
    expect(digestOf(Float64Array.from({ length: 5_000 }, (_, i) => i)).means.length).toBeLessThan(400);
  });

  test('refuses and counts what would poison a merge', () => {
    const digest = digestOf([1, Number.NaN, 2, Number.POSITIVE_INFINITY, -1, Number.NEGATIVE_INFINITY, 1e39, 3]);
    expect([...digest.means]).toEqual([1, 2, 3]);
    expect(digest.refused).toBe(5);
    expect(digest.count).toBe(3);
  });

  test('does not change its argument', () => {
    const values = [3, 1, 2];
    digestOf(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('mergeDigests', () => {
  test('is a function of the set of digests', () => {
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 12 }), fc.integer(), (parts, seed) => {
        const digests = parts.map((part) => digestOf(part));
        expect(mergeDigests(shuffled(digests, randomSource(seed)))).toEqual(mergeDigests(digests));
      }),
    );
  });

  test('loses no weight and forgets no refusal', () => {
    fc.assert(
      fc.property(fc.array(durations, { maxLength: 12 }), (parts) => {
        const merged = mergeDigests(parts.map((part) => digestOf([...part, Number.NaN])));
        valid(merged);
        expect(merged.count).toBe(parts.flat().length);
        expect(merged.refused).toBe(parts.length);
      }),
    );
  });

  test('of nothing is empty', () => {
    expect(mergeDigests([])).toEqual(emptyDigest);
    expect(mergeDigests([emptyDigest, digestOf([])])).toEqual(emptyDigest);
  });
});

describe('DigestBuilder', () => {
  test('counts, refuses, and can be read in between', () => {
    const builder = new DigestBuilder();
    expect(builder.digest()).toEqual(emptyDigest);
    for (let i = 1; i <= 10_000; i++) {
      expect(builder.add(i)).toBe(true);
      if (i === 5_000) expect(builder.digest().count).toBe(5_000);
    }
    expect(builder.add(Number.NaN)).toBe(false);
    expect(builder.add(-1)).toBe(false);
    const digest = builder.digest();
    valid(digest);
    expect([digest.count, digest.refused]).toEqual([10_000, 2]);
    expect(builder.digest()).toEqual(digest);
  });

  test('holds the same values as digestOf when nothing had to be joined', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: 0, max: 1e9, noNaN: true }), { maxLength: 199 }), (values) => {
        const positive = values.map((value) => Math.abs(value));
        expect(added(positive)).toEqual(digestOf(positive));
      }),
    );
  });
});

describe('quantileOf', () => {
  test('of nothing is NaN, of one value that value', () => {
    expect(quantileOf(emptyDigest, 0.5)).toBeNaN();
    expect(quantiles.map((q) => quantileOf(digestOf([42]), q))).toEqual([42, 42, 42]);
  });

  test('refuses a quantile outside 0..1', () => {
    expect(() => quantileOf(digestOf([1]), 1.5)).toThrow('quantile must lie between 0 and 1, got 1.5');
  });

  test('never decreases with q and stays within the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 800 }),
        (values) => {
          const digest = digestOf(values);
          let last = Math.fround(Math.min(...values));
          for (let q = 0; q <= 1; q += 0.01) {
            const value = quantileOf(digest, q);
            // One step of Float32 is forgiven: interpolation rounds.
            expect(value).toBeGreaterThanOrEqual(last * (1 - 1e-6));
            last = value;
          }
          expect(last).toBeLessThanOrEqual(Math.fround(Math.max(...values)) * (1 + 1e-6));
        },
      ),
    );
  });
});
