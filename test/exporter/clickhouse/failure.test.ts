import { ClickHouseError } from '@clickhouse/client';
import { expect, test } from 'vitest';
import { classifyFailure } from '../../../exporter/clickhouse/failure.ts';

const server = (code: string, type: string): Error =>
  new ClickHouseError({ code, type, message: `it said so\nand more` });
const network = (code: string): Error => Object.assign(new Error('connect failed'), { code });

test.for([
  ['a digest with a bad weight', server('27', 'CANNOT_PARSE_INPUT_ASSERTION_FAILED'), true, 'unreadable'],
  ['a value of another type', server('53', 'TYPE_MISMATCH'), true, 'type_mismatch'],
  ['too many parts', server('252', 'TOO_MANY_PARTS'), false, 'too_many_parts'],
  ['no memory', server('241', 'MEMORY_LIMIT_EXCEEDED'), false, 'memory_limit'],
  ['wrong password', server('516', 'AUTHENTICATION_FAILED'), false, 'authentication'],
  ['no grant', server('497', 'ACCESS_DENIED'), false, 'access_denied'],
  ['no table', server('60', 'UNKNOWN_TABLE'), false, 'schema'],
  ['an unknown code is retried', server('4242', 'SOMETHING_NEW'), false, 'code_4242'],
  ['no connection', network('ECONNREFUSED'), false, 'network'],
  ['a broken connection', network('ECONNRESET'), false, 'network'],
  ['the client’s time-out', new Error('Timeout error.'), false, 'timeout'],
  ['a proxy’s page', new Error('<html>502 Bad Gateway</html>'), false, 'unknown'],
  ['no error at all', 'text', false, 'unknown'],
] as const)('%s', ([, error, permanent, reason]) => {
  expect(classifyFailure(error)).toMatchObject({ permanent, reason });
});

test('the message names code, type and what to look at, in one line', () => {
  expect(classifyFailure(server('516', 'AUTHENTICATION_FAILED')).message).toBe(
    'ClickHouse error 516 AUTHENTICATION_FAILED (see exporters.clickhouse.username and password): it said so',
  );
  expect(classifyFailure(network('ECONNREFUSED')).message).toBe('ECONNREFUSED: connect failed');
});
