import { expect, test } from 'vitest';
import { backoffMs } from '../../../exporter/clickhouse/backoff.ts';

const settings = { initialIntervalMs: 100, maxIntervalMs: 1_000, multiplier: 2, randomizationFactor: 0.5 };

test('grows to the longest interval and stays there, also after days', () => {
  expect([1, 2, 3, 4, 5, 6, 100_000].map((attempt) => backoffMs(settings, attempt, 0.5))).toEqual([
    100, 200, 400, 800, 1_000, 1_000, 1_000,
  ]);
});

test('varies by the factor to both sides', () => {
  expect(backoffMs(settings, 1, 0)).toBe(50);
  expect(backoffMs(settings, 1, 1)).toBe(150);
});
