import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeState, rawState } from '../../../processor/digest/digest-state.ts';
import { digestOf, emptyDigest } from '../../../processor/digest/digest.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Reads a state back, written from the layout alone. */
function readState(bytes: Uint8Array): { mean: number; weight: number }[] {
  let size = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  expect(view.byteLength).toBe(size * 8);
  return Array.from({ length: size }, (_, i) => ({
    mean: view.getFloat32(i * 8, true),
    weight: view.getFloat32(i * 8 + 4, true),
  }));
}

describe('encodeState', () => {
  test('is one zero byte for an empty digest', () => {
    expect(hex(encodeState(emptyDigest))).toBe('00');
    expect(hex(rawState([]))).toBe('00');
  });

  test('is count, then mean and weight as little-endian Float32', () => {
    expect(hex(encodeState(digestOf([2, 1])))).toBe('020000803f0000803f000000400000803f');
  });

  test('writes counts above 127 in two bytes', () => {
    const state = encodeState(digestOf(Array.from({ length: 150 }, (_, i) => i)));
    expect(hex(state.subarray(0, 2))).toBe('9601');
    expect(readState(state)).toHaveLength(150);
  });

  test('is sorted, finite, positively weighted, whatever is offered', () => {
    const anything = fc.array(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, -1, Infinity)), { maxLength: 500 });
    fc.assert(
      fc.property(anything, (values) => {
        for (const state of [encodeState(digestOf(values)), rawState(values)]) {
          const centroids = readState(state);
          const taken = values.filter((value) => value >= 0 && value <= 3.4028234663852886e38);
          expect(centroids.reduce((sum, centroid) => sum + centroid.weight, 0)).toBe(taken.length);
          centroids.forEach(({ mean, weight }, i) => {
            expect(Number.isFinite(mean)).toBe(true);
            expect(weight).toBeGreaterThan(0);
            if (i > 0) expect(mean).toBeGreaterThanOrEqual(centroids[i - 1]!.mean);
          });
        }
      }),
    );
  });
});

describe('rawState', () => {
  test('holds up to 32 values exactly', () => {
    const values = Array.from({ length: 32 }, (_, i) => 1000 - i);
    expect(readState(rawState(values))).toEqual(values.toReversed().map((mean) => ({ mean, weight: 1 })));
  });

  test('is the state of the digest above 32 values', () => {
    const values = Array.from({ length: 1000 }, (_, i) => i * 1.5);
    expect(rawState(values)).toEqual(encodeState(digestOf(values)));
  });
});
