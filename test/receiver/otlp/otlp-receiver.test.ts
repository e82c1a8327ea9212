/** The receiver's life: start, counting, stop with requests in flight. */
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { OtlpReceiver } from '../../../receiver/otlp/otlp-receiver.ts';
import { defaultOtlpReceiverConfig } from '../../../receiver/otlp/config.ts';
import { silentTelemetry } from '../../../schema/telemetry.ts';
import { HttpClient, request } from './http-client.ts';
import { ReceiverFixture } from './receiver-fixture.ts';
import { jsonRequest, jsonSpan, protobufRequest } from './sample-requests.ts';

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const GOOD = protobufRequest({});

describe('start', () => {
  it('tells the addresses that were bound, on the loopback interface for localhost', async () => {
    await using fixture = await ReceiverFixture.start();
    expect(fixture.receiver.addresses).toEqual({
      grpc: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d+$/) as string,
      http: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d+$/) as string,
    });
  });

  it('serves only the protocols that are configured', async () => {
    await using fixture = await ReceiverFixture.start({ http: { endpoint: '127.0.0.1:0', maxRequestBodySizeMib: 1 } });
    expect(Object.keys(fixture.receiver.addresses)).toEqual(['http']);
  });

  it('is idempotent, and disposal is safe twice and without a start', async () => {
    const fixture = new ReceiverFixture();
    await Promise.all([fixture.receiver.start(), fixture.receiver.start()]);
    await fixture[Symbol.asyncDispose]();
    await fixture[Symbol.asyncDispose]();
    await new ReceiverFixture()[Symbol.asyncDispose]();
  });

  it.each(['HTTP', 'gRPC'] as const)('a taken port is an error that names %s and the endpoint', async (protocol) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const taken = `localhost:${port}`;
    const fixture = new ReceiverFixture({
      grpc: { endpoint: protocol === 'gRPC' ? taken : 'localhost:0', maxRecvMsgSizeMib: 1 },
      http: { endpoint: protocol === 'HTTP' ? taken : 'localhost:0', maxRequestBodySizeMib: 1 },
    });
    await expect(fixture.receiver.start()).rejects.toThrow(
      `otlp receiver: ${protocol} cannot listen on ${taken}: the port is already in use (EADDRINUSE)`,
    );
    // Whatever was bound before is free again.
    const other = fixture.receiver.addresses.grpc;
    if (other !== undefined) await expect(request(Number(other.split(':')[1]), 'GET', '/', {})).rejects.toThrow();
    await fixture[Symbol.asyncDispose]();
    holder.close();
  });

  it.each(['localhost', 'localhost:', 'localhost:99999', 'http://localhost:4318', '1:2:3'])(
    'endpoint "%s" is refused',
    async (endpoint) => {
      await using fixture = new ReceiverFixture({ http: { endpoint, maxRequestBodySizeMib: 1 } });
      await expect(fixture.receiver.start()).rejects.toThrow(
        `otlp receiver: HTTP endpoint "${endpoint}": expected host:port, such as localhost:4317`,
      );
    },
  );

  it('has the defaults of the Collector, but for the larger gRPC messages', () => {
    expect(defaultOtlpReceiverConfig).toEqual({
      grpc: { endpoint: 'localhost:4317', maxRecvMsgSizeMib: 20 },
      http: { endpoint: 'localhost:4318', maxRequestBodySizeMib: 20 },
    });
  });

  it('refuses a discriminator that can match nothing', () => {
    const native = { roles: [{ role: 'step', when: { attribute: '' } }] };
    expect(
      () =>
        new OtlpReceiver(
          {},
          {
            next: { consume: () => Promise.resolve() },
            watch: { active: () => false, watches: () => false },
            dialects: [native as never],
            telemetry: silentTelemetry,
          },
        ),
    ).toThrow(RangeError);
  });
});

describe('counting', () => {
  const parentSpanId = '00f067aa0ba902b1';
  const spans = [
    { attributes: { op: 'workflow' }, parentSpanId },
    { attributes: { op: 'step' } },
    { attributes: {}, parentSpanId, status: 2 },
    { attributes: {} },
    { attributes: {}, parentSpanId },
    { attributes: {}, parentSpanId },
    { attributes: { op: 'step' }, spanId: '' },
  ];
  const expected = (transport: string) => ({
    [`otelcol_receiver_accepted_spans{receiver="otlp",transport="${transport}"}`]: 7,
    'finishline_spans_kept_total{kind="tagged"}': 2,
    'finishline_spans_kept_total{kind="evidence"}': 1,
    'finishline_spans_kept_total{kind="sighting"}': 1,
    'finishline_spans_skipped_total{}': 2,
    'finishline_spans_dropped_total{reason="invalid_id"}': 1,
  });

  it.each(['protobuf', 'json'])('of a %s request over HTTP', async (payload) => {
    await using fixture = await ReceiverFixture.start();
    const json = payload === 'json';
    const body = json ? JSON.stringify(jsonRequest(...spans.map((span) => jsonSpan(span)))) : protobufRequest(...spans);
    const headers = json ? { 'Content-Type': 'application/json' } : PROTOBUF;
    expect((await request(fixture.port('http'), 'POST', '/v1/traces', headers, body)).status).toBe(200);
    expect(Object.fromEntries(fixture.counts)).toEqual(expected('http'));
    expect(fixture.batches.map((batch) => batch.spanCount)).toEqual([4]);
  });

  it('a request without a kept span is accepted, and the next stage hears nothing', async () => {
    await using fixture = await ReceiverFixture.start();
    const body = protobufRequest({ attributes: {}, parentSpanId });
    expect((await request(fixture.port('http'), 'POST', '/v1/traces', PROTOBUF, body)).status).toBe(200);
    expect(fixture.batches).toEqual([]);
    expect(Object.fromEntries(fixture.counts)).toEqual({
      'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}': 1,
      'finishline_spans_skipped_total{}': 1,
    });
  });

  it('the answer waits for the next stage', async () => {
    await using fixture = await ReceiverFixture.start();
    let take: () => void = () => {};
    const taking = new Promise<void>((resolve) => (take = resolve));
    const given = new Promise<void>((resolve) => {
      fixture.before = () => {
        resolve();
        return taking;
      };
    });
    let answered = false;
    const answer = request(fixture.port('http'), 'POST', '/v1/traces', PROTOBUF, GOOD).then((received) => {
      answered = true;
      return received;
    });
    await given;
    expect((await request(fixture.port('http'), 'GET', '/', {})).status).toBe(404);
    expect([answered, fixture.counts.get('finishline_spans_kept_total{kind="tagged"}')]).toEqual([false, undefined]);
    take();
    expect((await answer).status).toBe(200);
  });
});

describe('stop', () => {
  it('answers the requests in flight, refuses later ones, and takes nothing afterwards', async () => {
    const fixture = await ReceiverFixture.start();
    const { port } = { port: fixture.port('http') };
    let take: () => void = () => {};
    const taking = new Promise<void>((resolve) => (take = resolve));
    let given = 0;
    const bothGiven = new Promise<void>((resolve) => {
      fixture.before = () => {
        if (++given === 2) resolve();
        return taking;
      };
    });
    const inFlight = request(port, 'POST', '/v1/traces', PROTOBUF, GOOD);
    const session = connect(`http://127.0.0.1:${fixture.port('grpc')}`);
    session.on('error', () => {});
    const prefix = Buffer.from([0, 0, 0, 0, GOOD.length]);
    const call = session.request({ ':method': 'POST', ':path': EXPORT, 'content-type': 'application/grpc' });
    const status = new Promise((resolve) => call.once('trailers', (trailers) => resolve(trailers['grpc-status'])));
    call.resume().end(Buffer.concat([prefix, GOOD]));
    using late = new HttpClient(port);
    late.write('POST /v1/traces HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n');
    await bothGiven;
    const stopped = fixture.receiver[Symbol.asyncDispose]();
    late.write(`Content-Length: ${GOOD.length}\r\n\r\n`, GOOD);
    const refused = await late.answer();
    expect([refused.status, refused.headers['retry-after'], refused.headers['connection']]).toEqual([
      503,
      '1',
      'close',
    ]);
    take();
    expect([(await inFlight).status, await status]).toEqual([200, '0']);
    await stopped;
    expect(fixture.batches.length).toBe(2);
    await expect(request(port, 'POST', '/v1/traces', PROTOBUF, GOOD)).rejects.toThrow();
  });

  it('does not wait for idle connections', async () => {
    const fixture = await ReceiverFixture.start();
    using idle = new HttpClient(fixture.port('http'));
    idle.send('POST', '/v1/traces', PROTOBUF, GOOD);
    await idle.answer();
    const session = connect(`http://127.0.0.1:${fixture.port('grpc')}`);
    await new Promise((resolve) => session.once('connect', resolve));
    const closed = new Promise((resolve) => session.once('close', resolve));
    await fixture.receiver[Symbol.asyncDispose]();
    await Promise.all([idle.closed(), closed]);
  });
});
