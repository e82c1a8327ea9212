/**
 * The kinds of value that a setting can have; each says in words what it expects.
 * Owns no key names. Numbers are also read from text, because `--set` and `${env:…}` give text.
 */
import { z } from 'zod';
import { parseDurationUs } from './duration.ts';
import { isLoopback, parseListenAddress, type ListenAddress } from './endpoint.ts';

/** A value that `read` understands; `expected` completes "got …, expected …". */
function scalar<T>(expected: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    context.issues.push({ code: 'custom', message: `expected ${expected}`, input: value });
    return z.NEVER;
  });
}

export function text(expected = 'a text') {
  return scalar(expected, (value) => (typeof value === 'string' && value !== '' ? value : undefined));
}

/** A text that may be empty, such as a password; a number is taken as it is written. */
export function anyText() {
  return scalar('a text', (value) => {
    if (typeof value === 'string') return value;
    return typeof value === 'number' ? String(value) : undefined;
  });
}

export function integer(min: number, max: number) {
  return scalar(`a whole number from ${min} to ${max}`, (value) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && Number(number) >= min && Number(number) <= max ? Number(number) : undefined;
  });
}

/** A number that need not be whole. */
export function decimal(min: number, max: number) {
  return scalar(`a number from ${min} to ${max}`, (value) => {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && number >= min && number <= max ? number : undefined;
  });
}

export function oneOf<const T extends string>(values: readonly T[]) {
  return scalar(`one of ${values.join(', ')}`, (value) => values.find((candidate) => candidate === value));
}

/** In microseconds; at least `minUs`. */
export function duration(minUs = 1) {
  const expected =
    minUs > 1 ? `a duration of at least ${minUs / 1_000_000}s` : 'a duration such as 300ms, 2s, 1m30s or 24h';
  return scalar(expected, (value) => {
    const text = typeof value === 'number' ? String(value) : value;
    const us = typeof text === 'string' ? parseDurationUs(text) : undefined;
    return us !== undefined && us >= minUs ? us : undefined;
  });
}

export function listenAddress() {
  return scalar<ListenAddress>('host:port such as localhost:4317 (port 0 takes a free one)', (value) =>
    typeof value === 'string' ? parseListenAddress(value) : undefined,
  );
}

/** `embedded`, or where a ClickHouse server answers HTTP; credentials have settings of their own. */
export function clickHouseEndpoint() {
  const expected = 'embedded, or a URL such as https://host:8443 (username and password are settings of their own)';
  return scalar(expected, (value) => {
    if (value === 'embedded') return value;
    const url = typeof value === 'string' ? URL.parse(value) : null;
    if (url === null || url.username !== '' || url.password !== '') return undefined;
    return url.protocol === 'http:' || url.protocol === 'https:' ? String(value) : undefined;
  });
}

export function identifier() {
  return scalar('a name of letters, digits and _', (value) =>
    typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) ? value : undefined,
  );
}

/** For what must not be reached from another machine. */
export function loopbackAddress() {
  return scalar<ListenAddress>('a loopback address such as localhost:8123; SECURITY.md says why', (value) => {
    const address = typeof value === 'string' ? parseListenAddress(value) : undefined;
    return address !== undefined && isLoopback(address.host) ? address : undefined;
  });
}

/** A setting that is planned but that this version does not act on: never accepted silently. */
export function notAvailableYet() {
  return refused('not available yet in this version');
}

/** A setting that is only accepted with the one value that this version acts on. */
export function onlyForNow(value: boolean | string | readonly string[]) {
  return z.unknown().check((context) => {
    if (JSON.stringify(context.value) === JSON.stringify(value)) return;
    context.issues.push({
      code: 'custom',
      params: { whole: true },
      message: `only ${JSON.stringify(value)} is available yet in this version`,
      input: context.value,
    });
  });
}

export function refused(message: string) {
  return z
    .unknown()
    .check((context) => {
      context.issues.push({ code: 'custom', params: { whole: true }, message, input: context.value });
    })
    .optional();
}
