/** Every answer of OTLP/gRPC, with node's own HTTP/2 client as the sender. */
import { connect, constants, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../../schema/contract.ts';
import { LIMIT_BYTES, ReceiverFixture } from './receiver-fixture.ts';
import { protobufRequest } from './sample-requests.ts';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GOOD = protobufRequest({});

interface Answer {
  /** Headers and trailers. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly http: number;
  readonly status: number;
  readonly message: string;
  readonly body: string;
}

function framed(message: Buffer, flag = 0, length = message.length): Buffer {
  const prefix = Buffer.from([flag, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

let fixture: ReceiverFixture;
let session: ClientHttp2Session;

beforeAll(async () => {
  fixture = await ReceiverFixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());
beforeEach(() => {
  session = connect(`http://127.0.0.1:${fixture.port('grpc')}`);
  session.on('error', () => {});
});
afterEach(() => {
  session.destroy();
});

/** Calls with these bytes, cut as given; the stream is ended unless `open`. */
function call(chunks: Buffer[], headers: OutgoingHttpHeaders = {}, open = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': EXPORT,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const fields: Record<string, unknown> = {};
    const body: Buffer[] = [];
    stream.on('response', (received) => Object.assign(fields, received));
    stream.on('trailers', (received) => Object.assign(fields, received));
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({
        fields,
        http: Number(fields[':status']),
        status: Number(fields['grpc-status'] ?? -1),
        message: decodeURIComponent((fields['grpc-message'] as string | undefined) ?? ''),
        body: Buffer.concat(body).toString('hex'),
      }),
    );
    for (const chunk of chunks) stream.write(chunk);
    if (!open) stream.end();
  });
}

/** A call that must be refused; then shows on the same connection that the service goes on. */
async function refused(chunks: Buffer[], headers: OutgoingHttpHeaders = {}, open = false): Promise<Answer> {
  const before = fixture.spanCount;
  const answer = await call(chunks, headers, open);
  expect(fixture.spanCount).toBe(before);
  expect((await call([framed(GOOD)])).status).toBe(0);
  expect(fixture.spanCount).toBe(before + 1);
  return answer;
}

describe('accepted calls', () => {
  it.each([
    ['plain', [framed(GOOD)], {}],
    ['gzip', [framed(gzipSync(GOOD), 1)], { 'grpc-encoding': 'gzip' }],
    ['gzip announced, not used', [framed(GOOD)], { 'grpc-encoding': 'gzip' }],
    ['identity', [framed(GOOD)], { 'grpc-encoding': 'identity' }],
    ['a timeout', [framed(GOOD)], { 'grpc-timeout': '10S' }],
    ['a timeout that is none', [framed(GOOD)], { 'grpc-timeout': 'soon' }],
    ['20 KiB of metadata', [framed(GOOD)], { 'x-large': 'x'.repeat(20 * 1024) }],
    ['one byte at a time', [...framed(GOOD)].map((byte) => Buffer.from([byte])), {}],
  ])('%s: 0, message 0a 00', async (_name, chunks, headers) => {
    const before = fixture.spanCount;
    const answer = await call(chunks, headers);
    expect([answer.http, answer.status, answer.message, answer.body]).toEqual([200, 0, '', '00000000020a00']);
    expect(fixture.spanCount).toBe(before + 1);
  });

  it.each(['application/grpc', 'application/grpc+proto', 'application/grpc;x=y'])('%s is echoed', async (type) => {
    const answer = await call([framed(GOOD)], { 'content-type': type });
    expect([answer.status, answer.fields['content-type']]).toEqual([0, type]);
  });

  it('an empty message is an empty request', async () => {
    const before = fixture.spanCount;
    expect((await call([framed(Buffer.alloc(0))])).status).toBe(0);
    expect(fixture.spanCount).toBe(before);
  });

  it('hundreds of calls on one connection at once', async () => {
    const before = fixture.spanCount;
    const answers = await Promise.all(Array.from({ length: 400 }, () => call([framed(GOOD)])));
    expect(answers.every((answer) => answer.status === 0)).toBe(true);
    expect(fixture.spanCount).toBe(before + 400);
  });
});

describe('refused calls', () => {
  it.each([
    ['zstd', 'grpc: Decompressor is not installed for grpc-encoding "zstd"', framed(GOOD), 'zstd'],
    ['unknown, message not compressed', 'grpc: Decompressor is not installed for grpc-encoding "x"', framed(GOOD), 'x'],
  ])('encoding %s: 12', async (_name, message, bytes, encoding) => {
    const answer = await refused([bytes], { 'grpc-encoding': encoding });
    expect([answer.http, answer.status, answer.message]).toEqual([200, 12, message]);
  });

  it.each([
    ['flag without an encoding', framed(gzipSync(GOOD), 1), {}, 'compressed flag set with identity or empty encoding'],
    [
      'flag with identity',
      framed(GOOD, 1),
      { 'grpc-encoding': 'identity' },
      'compressed flag set with identity or empty encoding',
    ],
    ['flag 2', framed(GOOD, 2), {}, 'received unexpected payload format 2'],
    ['garbage as gzip', framed(GOOD, 1), { 'grpc-encoding': 'gzip' }, 'gzip: invalid header'],
    ['half a gzip', framed(gzipSync(GOOD).subarray(0, 30), 1), { 'grpc-encoding': 'gzip' }, 'unexpected EOF'],
    ['malformed protobuf', framed(GOOD.subarray(1)), {}, 'grpc: error unmarshalling request: proto: '],
    ['no message', Buffer.alloc(0), {}, 'EOF'],
    ['a short prefix', Buffer.alloc(3), {}, 'unexpected EOF'],
    ['a short message', framed(GOOD, 0, GOOD.length + 1), {}, 'unexpected EOF'],
    ['two messages', Buffer.concat([framed(GOOD), framed(GOOD)]), {}, 'more than one message'],
  ])('%s: 13', async (_name, bytes, headers, message) => {
    const answer = await refused([bytes], headers);
    expect([answer.http, answer.status]).toEqual([200, 13]);
    expect(answer.message).toContain(message);
    expect(answer.fields['grpc-status-details-bin']).toBeUndefined();
  });

  it.each([
    ['one byte beyond', framed(Buffer.alloc(LIMIT_BYTES + 1)), false],
    ['4 GiB claimed, nothing sent', framed(Buffer.alloc(0), 0, 0xffff_ffff), true],
    ['a claim in a half-sent stream', framed(Buffer.alloc(100_000), 0, LIMIT_BYTES + 1), true],
  ])('too large, %s: 8 without RetryInfo', async (_name, bytes, open) => {
    const answer = await refused([bytes], {}, open);
    expect([answer.http, answer.status]).toEqual([200, 8]);
    expect(answer.message).toBe(`grpc: received message larger than max (${bytes.readUInt32BE(1)} vs. ${LIMIT_BYTES})`);
    expect(Object.keys(answer.fields).filter((name) => name.endsWith('-bin'))).toEqual([]);
  });

  it('inflating beyond the limit: 8', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(64 * LIMIT_BYTES)), 1);
    const answer = await refused([bomb], { 'grpc-encoding': 'gzip' });
    expect([answer.status, answer.message]).toEqual([
      8,
      `grpc: received message after decompression larger than max ${LIMIT_BYTES}`,
    ]);
  });

  it('oversized calls do not use up the window of the connection', async () => {
    for (let i = 0; i < 12; i++) {
      expect((await call([framed(Buffer.alloc(LIMIT_BYTES + 1))])).status).toBe(8);
    }
    expect((await call([framed(GOOD)])).status).toBe(0);
  });

  it.each([
    [
      '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
      'unknown service opentelemetry.proto.collector.metrics.v1.MetricsService',
    ],
    ['/opentelemetry.proto.collector.trace.v1.TraceService/Foo', 'unknown method Foo for service '],
    ['/__proto__/constructor', 'unknown service __proto__'],
    ['/foo', 'malformed method name: "/foo"'],
    ['/', 'malformed method name: "/"'],
  ])('%s: 12', async (path, message) => {
    const answer = await refused([framed(GOOD)], { ':path': path });
    expect([answer.http, answer.status]).toEqual([200, 12]);
    expect(answer.message).toContain(message);
  });

  it.each(['application/grpc-web', 'application/x-protobuf', 'application/json', ''])(
    'content type "%s": HTTP 415',
    async (type) => {
      const answer = await refused([framed(GOOD)], { 'content-type': type });
      expect([answer.http, answer.status, answer.message]).toEqual([
        415,
        3,
        `invalid gRPC request content-type "${type}"`,
      ]);
    },
  );

  it('GET: HTTP 405', async () => {
    const answer = await refused([], { ':method': 'GET' });
    expect([answer.http, answer.status]).toEqual([405, 13]);
  });
});

describe('errors of the next stage', () => {
  const root = protobuf.parse(
    `syntax = "proto3";
    message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
    message Any { string type_url = 1; bytes value = 2; }
    message RetryInfo { Duration retry_delay = 1; }
    message Duration { int64 seconds = 1; int32 nanos = 2; }`,
    { keepCase: true },
  ).root;
  const decode = (type: string, bytes: Uint8Array): Record<string, unknown> =>
    root.lookupType(type).toObject(root.lookupType(type).decode(bytes), { longs: Number });

  it.each([
    ['retryable', new RetryableError('voll: 100 %, später', { retryAfterMs: 1500 }), 14, 'voll: 100 %, später', 2],
    ['unknown', new Error('surprise'), 14, 'surprise', 1],
    ['permanent', new PermanentError('never'), 13, 'Permanent error: never', undefined],
  ])('%s', async (_name, error, code, message, seconds) => {
    fixture.before = () => {
      throw error;
    };
    const answer = await call([framed(GOOD)]);
    fixture.before = () => {};
    expect([answer.http, answer.status, answer.message]).toEqual([200, code, message]);
    const details = answer.fields['grpc-status-details-bin'] as string | undefined;
    const retryInfo = answer.fields['google.rpc.retryinfo-bin'] as string | undefined;
    if (seconds === undefined) {
      expect([details, retryInfo]).toEqual([undefined, undefined]);
    } else {
      const status = decode('Status', Buffer.from(details!, 'base64'));
      const any = (status['details'] as { type_url: string; value: Buffer }[])[0]!;
      expect([status['code'], status['message']]).toEqual([code, message]);
      expect(any.type_url).toBe('type.googleapis.com/google.rpc.RetryInfo');
      expect(decode('RetryInfo', any.value)).toEqual({ retry_delay: { seconds } });
      expect(decode('RetryInfo', Buffer.from(retryInfo!, 'base64'))).toEqual({ retry_delay: { seconds } });
    }
    expect((await call([framed(GOOD)])).status).toBe(0);
  });
});

describe('health and connections', () => {
  const health = { ':path': '/grpc.health.v1.Health/Check' };

  it.each([
    ['the whole server', Buffer.alloc(0), 0, '00000000020801'],
    [
      'the trace service',
      Buffer.concat([Buffer.from([0x0a, 50]), Buffer.from('opentelemetry.proto.collector.trace.v1.TraceService')]),
      0,
      '00000000020801',
    ],
    ['another service', Buffer.from('\n\u0003foo'), 5, ''],
    ['garbage', Buffer.from([0xff]), 13, ''],
  ])('health of %s', async (_name, message, status, body) => {
    if (message.length > 5) message[1] = message.length - 2;
    const answer = await call([framed(message)], health);
    expect([answer.status, answer.body]).toEqual([status, body]);
  });

  it('a client that goes away in the middle is not taken, and counted', async () => {
    const name = 'finishline_requests_refused_total{transport="grpc",reason="disconnected"}';
    const [spans, counted] = [fixture.spanCount, fixture.counts.get(name) ?? 0];
    const stream = session.request({ ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc' });
    stream.on('error', () => {});
    stream.write(framed(GOOD).subarray(0, 30));
    await call([framed(GOOD)]);
    stream.close(constants.NGHTTP2_CANCEL);
    while ((fixture.counts.get(name) ?? 0) === counted) await call([framed(Buffer.alloc(0))]);
    expect(fixture.spanCount).toBe(spans + 1);
  });

  it('a connection that dies, HTTP/1.1 bytes and garbage end only themselves', async () => {
    const dying = session.request({ ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc' });
    dying.on('error', () => {});
    dying.write(framed(GOOD).subarray(0, 30));
    session.destroy();
    for (const bytes of ['POST /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n', '\0\0\0\0garbage'.repeat(20)]) {
      const socket = connectSocket(fixture.port('grpc'), '127.0.0.1');
      socket.on('error', () => {});
      socket.resume().write(bytes);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    session = connect(`http://127.0.0.1:${fixture.port('grpc')}`);
    expect((await call([framed(GOOD)])).status).toBe(0);
  });

  it('a burst of calls that are reset at once does not stop the server', async () => {
    for (let i = 0; i < 300; i++) {
      const stream = session.request({ ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc' });
      stream.on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    session.destroy();
    session = connect(`http://127.0.0.1:${fixture.port('grpc')}`);
    expect((await call([framed(GOOD)])).status).toBe(0);
  });
});
