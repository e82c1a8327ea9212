/** Durations, addresses and near misses: the small readers behind the configuration. */
import { expect, test } from 'vitest';
import { parseDurationUs } from '../../../service/config/duration.ts';
import { formatListenAddress, isLoopback, parseListenAddress } from '../../../service/config/endpoint.ts';
import { nearest } from '../../../service/config/nearest.ts';

test.each([
  ['2s', 2_000_000],
  ['300ms', 300_000],
  ['1m30s', 90_000_000],
  ['24h', 86_400_000_000],
  ['1.5h', 5_400_000_000],
  ['250us', 250],
  ['250µs', 250],
  ['0', 0],
  ['0s', 0],
])('%s is a duration', (text, us) => {
  expect(parseDurationUs(text)).toBe(us);
});

test.each(['', '2', '2 s', 's', '-2s', '2d', '2s ', '1s2', '2S', '1e3s', '99999999999h', 'NaN'])(
  '%j is none',
  (text) => {
    expect(parseDurationUs(text)).toBeUndefined();
  },
);

test.each([
  ['localhost:4317', { host: 'localhost', port: 4317 }],
  ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ['[::1]:8123', { host: '::1', port: 8123 }],
  [':4317', { host: '0.0.0.0', port: 4317 }],
])('%s is an address', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

test.each(['localhost', 'localhost:', 'localhost:65536', '::1:80', 'http://localhost:80', 'a b:1', 'localhost:-1'])(
  '%j is none',
  (text) => {
    expect(parseListenAddress(text)).toBeUndefined();
  },
);

test('an address of version 6 is written in brackets', () => {
  expect(formatListenAddress({ host: '::1', port: 1 })).toBe('[::1]:1');
});

test('loopback is 127/8, ::1 and localhost', () => {
  expect(['127.0.0.1', '127.8.9.1', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '128.0.0.1', '127.0.0.1.example.org', 'example.org'].some(isLoopback)).toBe(false);
});

test('the nearest word forgives a third of it, and swapped letters', () => {
  const known = ['settle', 'late_window', 'run_timeout', 'stuck'];
  expect(nearest('setle', known)).toBe('settle');
  expect(nearest('settel', known)).toBe('settle');
  expect(nearest('late-windows', known)).toBe('late_window');
  expect(nearest('colour', known)).toBeUndefined();
});
