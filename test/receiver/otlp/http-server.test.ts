/** Every answer of OTLP/HTTP, over real sockets; after each bad request an honest one on a connection of its own. */
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../../schema/contract.ts';
import { HttpClient, request, type HttpAnswer } from './http-client.ts';
import { LIMIT_BYTES, ReceiverFixture } from './receiver-fixture.ts';
import { jsonRequest, jsonSpan, protobufRequest } from './sample-requests.ts';

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const GOOD = protobufRequest({});
const GOOD_JSON = JSON.stringify(jsonRequest(jsonSpan()));

const Status = protobuf.parse(
  `syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }`,
  { keepCase: true },
).root;

interface StatusBody {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly { type_url: string; value: Buffer }[];
}

/** The Status in an answer, whichever encoding its Content-Type says. */
function statusOf(answer: HttpAnswer): StatusBody {
  if (answer.headers['content-type'] === 'application/json') return JSON.parse(answer.body.toString()) as StatusBody;
  expect(answer.headers['content-type']).toBe('application/x-protobuf');
  const type = Status.lookupType('Status');
  return type.toObject(type.decode(answer.body)) as StatusBody;
}

let fixture: ReceiverFixture;
let port: number;

beforeAll(async () => {
  fixture = await ReceiverFixture.start();
  port = fixture.port('http');
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Sends a request that must be refused, and shows that nothing of it was taken and that the service goes on. */
async function refused(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Buffer | string = '',
): Promise<HttpAnswer> {
  const before = fixture.spanCount;
  const answer = await request(port, method, path, headers, body);
  expect(fixture.spanCount).toBe(before);
  const honest = await request(port, 'POST', '/v1/traces', PROTOBUF, GOOD);
  expect(honest.status).toBe(200);
  expect(fixture.spanCount).toBe(before + 1);
  return answer;
}

describe('accepted requests', () => {
  it.each([
    ['protobuf', '/v1/traces', PROTOBUF, GOOD],
    ['a query', '/v1/traces?x=1', PROTOBUF, GOOD],
    ['two slashes', '//v1/traces', PROTOBUF, GOOD],
    ['an absolute target', 'http://test/v1/traces', PROTOBUF, GOOD],
    ['a parameter', '/v1/traces', { 'Content-Type': 'application/x-protobuf; messageType=x' }, GOOD],
    ['gzip', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, gzipSync(GOOD)],
    ['GZIP', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'GZIP' }, gzipSync(GOOD)],
    ['x-gzip', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'x-gzip' }, gzipSync(GOOD)],
    ['gzip in spaces', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': '  gzip ' }, gzipSync(GOOD)],
    ['identity', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'identity' }, GOOD],
    ['an empty encoding', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': '' }, GOOD],
    ['any Accept', '/v1/traces', { ...PROTOBUF, Accept: 'text/html', 'Accept-Encoding': 'gzip' }, GOOD],
  ])('%s: 200, application/x-protobuf, 0a 00', async (_name, path, headers, body) => {
    const before = fixture.spanCount;
    const answer = await request(port, 'POST', path, headers, body);
    expect([answer.status, answer.headers['content-type'], answer.body.toString('hex')]).toEqual([
      200,
      'application/x-protobuf',
      '0a00',
    ]);
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(fixture.spanCount).toBe(before + 1);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json;charset=utf-16',
    'application/json;',
    'application/json; a=b; a=b',
    '  application/json  ',
    'APPLICATION/JSON',
    'application/json; q="x y"',
  ])('JSON as "%s": 200, exactly application/json', async (type) => {
    const before = fixture.spanCount;
    const answer = await request(port, 'POST', '/v1/traces', { 'Content-Type': type }, GOOD_JSON);
    expect([answer.status, answer.headers['content-type'], answer.body.toString()]).toEqual([
      200,
      'application/json',
      '{"partialSuccess":{}}',
    ]);
    expect(fixture.spanCount).toBe(before + 1);
  });

  it('JSON and protobuf of the same span give the same bytes but for field order', async () => {
    const span = { attributes: { op: 'workflow' } };
    await request(port, 'POST', '/v1/traces', PROTOBUF, protobufRequest(span));
    await request(port, 'POST', '/v1/traces', PROTOBUF, fixture.batches.at(-1)!.tracesData as Buffer);
    expect(fixture.batches.at(-1)).toEqual(fixture.batches.at(-2));
  });

  it('an empty protobuf body and a gzip of nothing are empty requests', async () => {
    const before = fixture.spanCount;
    expect((await request(port, 'POST', '/v1/traces', PROTOBUF)).status).toBe(200);
    const headers = { ...PROTOBUF, 'Content-Encoding': 'gzip' };
    expect((await request(port, 'POST', '/v1/traces', headers, gzipSync(''))).status).toBe(200);
    expect(fixture.spanCount).toBe(before);
  });

  it('two gzip members are one body', async () => {
    const before = fixture.spanCount;
    const body = Buffer.concat([gzipSync(GOOD), gzipSync(GOOD)]);
    const answer = await request(port, 'POST', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, body);
    expect(answer.status).toBe(200);
    expect(fixture.spanCount).toBe(before + 2);
  });

  it('the first of two Content-Encoding lines counts', async () => {
    using client = new HttpClient(port);
    const body = gzipSync(GOOD);
    client.write(
      `POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\n` +
        `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
      body,
    );
    expect((await client.answer()).status).toBe(200);
  });

  it('chunked, pipelined and continued requests are answered in order on one connection', async () => {
    using client = new HttpClient(port);
    client.send(
      'POST',
      '/v1/traces',
      { ...PROTOBUF, 'Transfer-Encoding': 'chunked' },
      Buffer.concat([Buffer.from(`${GOOD.length.toString(16)}\r\n`), GOOD, Buffer.from('\r\n0\r\n\r\n')]),
    );
    client.send('POST', '/v1/traces', JSON_TYPE, GOOD_JSON);
    client.send('GET', '/v1/traces', {});
    client.send('POST', '/v1/traces', { ...PROTOBUF, Expect: '100-continue' }, GOOD);
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push((await client.answer()).status);
    expect(answers).toEqual([200, 200, 405, 100, 200]);
  });

  it('a header of 100 KiB is read', async () => {
    const headers = { ...PROTOBUF, Authorization: 'x'.repeat(100 * 1024) };
    expect((await request(port, 'POST', '/v1/traces', headers, GOOD)).status).toBe(200);
  });
});

describe('paths, methods, media types', () => {
  it.each(['/v1/traces/', '/V1/traces', '/v1/metrics', '/v1/logs', '/v1development/profiles', '/', '/health'])(
    'POST %s: 404 as Go writes it',
    async (path) => {
      const answer = await refused('POST', path, { ...PROTOBUF, 'Content-Encoding': 'unknown' }, GOOD);
      expect([answer.status, answer.headers['content-type'], answer.body.toString()]).toEqual([
        404,
        'text/plain; charset=utf-8',
        '404 page not found\n',
      ]);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    },
  );

  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'OPTIONS', 'HEAD'])('%s: 405', async (method) => {
    const answer = await refused(method, '/v1/traces', {});
    expect([answer.status, answer.headers['content-type'], answer.headers['content-length']]).toEqual([
      405,
      'text/plain',
      '41',
    ]);
    expect(answer.body.toString()).toBe(method === 'HEAD' ? '' : '405 method not allowed, supported: [POST]');
  });

  it.each([
    undefined,
    '',
    'invalid',
    'text/plain',
    'text/plain;charset=UTF-8',
    'text/json',
    'application/protobuf',
    'application/octet-stream',
    'application/grpc',
    'application/json, application/json',
    'application/json; charset',
    'application/json; a=b; a=c',
    '__proto__',
  ])('Content-Type %j: 415', async (type) => {
    const answer = await refused('POST', '/v1/traces', type === undefined ? {} : { 'Content-Type': type }, GOOD);
    expect([answer.status, answer.headers['content-type'], answer.body.toString()]).toEqual([
      415,
      'text/plain',
      '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    ]);
  });
});

describe('encodings', () => {
  it.each(['none', 'br', 'compress', 'gzip, gzip', 'identity, gzip', 'unknown', '__proto__'])(
    'Content-Encoding %s: 400 in the encoding of the request',
    async (encoding) => {
      const message = `unsupported Content-Encoding: ${encoding}`;
      for (const type of [PROTOBUF, JSON_TYPE, {}, { 'Content-Type': 'text/plain' }]) {
        const answer = await refused('POST', '/v1/traces', { ...type, 'Content-Encoding': encoding }, GOOD);
        expect(answer.status).toBe(400);
        expect(answer.headers['content-type']).toBe(type === PROTOBUF ? 'application/x-protobuf' : 'application/json');
        expect(statusOf(answer)).toEqual({ code: 3, message });
      }
      expect((await refused('GET', '/v1/traces', { ...JSON_TYPE, 'Content-Encoding': encoding })).status).toBe(400);
    },
  );

  const zipped = gzipSync(GOOD);
  const damaged = (at: number): Buffer => {
    const copy = Buffer.from(zipped);
    copy[copy.length + at]! ^= 0xff;
    return copy;
  };
  it.each([
    ['no gzip at all', GOOD, 'gzip: invalid header'],
    ['nothing', Buffer.alloc(0), 'EOF'],
    ['half of it', zipped.subarray(0, zipped.length / 2), 'unexpected EOF'],
    ['all but the last byte', zipped.subarray(0, -1), 'unexpected EOF'],
    ['a wrong checksum', damaged(-6), 'gzip: invalid checksum'],
    ['a wrong length', damaged(-1), 'gzip: invalid checksum'],
    ['garbage behind it', Buffer.concat([zipped, Buffer.from('garbage')]), 'gzip: invalid header'],
    ['zeros behind it', Buffer.concat([zipped, Buffer.alloc(8)]), 'gzip: invalid header'],
    ['half a member behind it', Buffer.concat([zipped, zipped.subarray(0, 12)]), 'unexpected EOF'],
  ])('gzip: %s: 400', async (_name, body, message) => {
    const answer = await refused('POST', '/v1/traces', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, body);
    expect([answer.status, statusOf(answer)]).toEqual([400, { code: 3, message }]);
  });
});

/** An unknown field of the request: legal, of any size. */
function filler(bytes: number): Buffer {
  const header = Buffer.from([0x7a, 0x80, 0x80, 0x80, 0x00]);
  let length = bytes - header.length;
  for (let i = 1; i < 4; i++, length >>>= 7) header[i] = (length & 0x7f) | 0x80;
  header[4] = length;
  return Buffer.concat([header, Buffer.alloc(bytes - header.length)]);
}

describe('sizes', () => {
  const tooLarge = { code: 3, message: 'http: request body too large' };

  it('exactly the limit is accepted, plain and inflated', async () => {
    const body = filler(LIMIT_BYTES);
    expect((await request(port, 'POST', '/v1/traces', PROTOBUF, body)).status).toBe(200);
    const headers = { ...PROTOBUF, 'Content-Encoding': 'gzip' };
    expect((await request(port, 'POST', '/v1/traces', headers, gzipSync(body))).status).toBe(200);
  });

  it.each([
    ['declared', PROTOBUF, filler(LIMIT_BYTES + 1)],
    ['declared, far beyond', PROTOBUF, filler(8 * LIMIT_BYTES)],
    ['inflated', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, gzipSync(filler(LIMIT_BYTES + 1))],
    ['a bomb', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(64 * LIMIT_BYTES))],
  ])('one byte more, %s: 413 with a Status', async (_name, headers, body) => {
    const answer = await refused('POST', '/v1/traces', headers, body);
    expect([answer.status, statusOf(answer)]).toEqual([413, tooLarge]);
  });

  it('chunked beyond the limit: 413, and the connection ends', async () => {
    using client = new HttpClient(port);
    client.send('POST', '/v1/traces', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' });
    const chunk = Buffer.alloc(64 * 1024, ' ');
    for (let i = 0; i < 17; i++) client.write('10000\r\n', chunk, '\r\n');
    const answer = await client.answer();
    expect([answer.status, answer.headers['connection'], statusOf(answer)]).toEqual([413, 'close', tooLarge]);
    client.write('0\r\n\r\n');
    await client.closed();
  });

  it('a large body that waits for 100 Continue is refused without being asked for', async () => {
    using client = new HttpClient(port);
    client.write(
      `POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n` +
        `Content-Length: ${LIMIT_BYTES + 1}\r\n\r\n`,
    );
    expect((await client.answer()).status).toBe(413);
  });

  it('an unread small body does not spoil the connection', async () => {
    using client = new HttpClient(port);
    client.send('POST', '/v1/traces', { 'Content-Type': 'text/plain' }, Buffer.alloc(200 * 1024));
    client.send('POST', '/v1/traces', PROTOBUF, GOOD);
    expect([(await client.answer()).status, (await client.answer()).status]).toEqual([415, 200]);
  });
});

describe('bodies', () => {
  it.each([
    ['truncated', GOOD.subarray(0, -1)],
    ['garbage', Buffer.from('not protobuf at all')],
    ['JSON', Buffer.from(GOOD_JSON)],
    ['a zero byte behind it', Buffer.concat([GOOD, Buffer.alloc(1)])],
    ['a good span before a bad one', Buffer.concat([GOOD, Buffer.from([0x0a, 0x04, 0x12, 0x02, 0x12, 0x01])])],
  ])('protobuf that is %s: 400, all or nothing', async (_name, body) => {
    const answer = await refused('POST', '/v1/traces', PROTOBUF, body);
    expect([answer.status, statusOf(answer).code]).toEqual([400, 3]);
    expect(statusOf(answer).message).toMatch(/^proto: /);
  });

  it.each(['', '[]', '1234', '{', GOOD_JSON.slice(0, -1), `${GOOD_JSON}{}`, `\uFEFF${GOOD_JSON}`])(
    'JSON %.20j: 400',
    async (body) => {
      const answer = await refused('POST', '/v1/traces', JSON_TYPE, body);
      expect([answer.status, statusOf(answer).code]).toEqual([400, 3]);
      expect(statusOf(answer).message).toMatch(/^json: /);
    },
  );

  it('protobuf sent as JSON: 400, not 500', async () => {
    const answer = await refused('POST', '/v1/traces', JSON_TYPE, GOOD);
    expect([answer.status, statusOf(answer).code]).toEqual([400, 3]);
  });

  it('a sender that goes away in the middle is not taken', async () => {
    const before = fixture.spanCount;
    const name = 'finishline_requests_refused_total{transport="http",reason="disconnected"}';
    const counted = fixture.counts.get(name) ?? 0;
    {
      using client = new HttpClient(port);
      client.write(`POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n`);
      client.write(`Content-Length: ${GOOD.length}\r\n\r\n`, GOOD.subarray(0, 20));
      // The server has read it when it answers on another connection.
      await request(port, 'POST', '/v1/traces', PROTOBUF, GOOD);
    }
    while ((fixture.counts.get(name) ?? 0) === counted) await request(port, 'GET', '/v1/traces', {});
    expect(fixture.spanCount).toBe(before + 1);
  });
});

describe('errors of the next stage', () => {
  it.each([
    ['retryable', new RetryableError('the journal is full', { retryAfterMs: 1000 }), 503, 14, 'the journal is full', 1],
    ['retryable, long', new RetryableError('busy', { retryAfterMs: 30_000 }), 503, 14, 'busy', 2],
    ['retryable, short', new RetryableError('busy', { retryAfterMs: 20 }), 503, 14, 'busy', 1],
    ['unknown', new Error('surprise'), 503, 14, 'surprise', 1],
    ['permanent', new PermanentError('never'), 500, 13, 'Permanent error: never', undefined],
  ])('%s', async (_name, error, status, code, message, seconds) => {
    fixture.before = () => {
      throw error;
    };
    try {
      const before = fixture.spanCount;
      const json = await request(port, 'POST', '/v1/traces', JSON_TYPE, GOOD_JSON);
      const proto = await request(port, 'POST', '/v1/traces', PROTOBUF, GOOD);
      expect([json.status, proto.status]).toEqual([status, status]);
      expect(json.headers['retry-after']).toBe(seconds === undefined ? undefined : String(seconds));
      expect(proto.headers['retry-after']).toBe(json.headers['retry-after']);
      const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${seconds}s` };
      expect(statusOf(json)).toEqual({ code, message, ...(seconds === undefined ? {} : { details: [retryInfo] }) });
      const decoded = statusOf(proto);
      expect([decoded.code, decoded.message]).toEqual([code, message]);
      if (seconds !== undefined) {
        const type = Status.lookupType('RetryInfo');
        expect(decoded.details![0]!.type_url).toBe('type.googleapis.com/google.rpc.RetryInfo');
        expect(type.toObject(type.decode(decoded.details![0]!.value), { longs: Number })).toEqual({
          retry_delay: { seconds },
        });
      }
      expect(fixture.spanCount).toBe(before);
    } finally {
      fixture.before = () => {};
    }
    expect((await request(port, 'POST', '/v1/traces', PROTOBUF, GOOD)).status).toBe(200);
  });

  it('refused spans are counted, also those that would have been skipped', async () => {
    const name = 'otelcol_receiver_refused_spans{receiver="otlp",transport="http"}';
    const before = fixture.counts.get(name) ?? 0;
    fixture.before = () => {
      throw new RetryableError('full');
    };
    const body = protobufRequest({}, { attributes: {}, parentSpanId: '00f067aa0ba902b1' });
    expect((await request(port, 'POST', '/v1/traces', PROTOBUF, body)).status).toBe(503);
    fixture.before = () => {};
    expect(fixture.counts.get(name)).toBe(before + 2);
  });
});
