/**
 * Bad input at both doors of the real service: each answered as the OTLP rules say, nothing of it counted, the honest
 * requests in between answered and stored, and no memory kept. The answers one by one are tested beside the receiver.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:http2';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { PeakMemory, usageOf } from '../../bench/process-usage.ts';
import { ServiceProcess } from '../../bench/service-process.ts';
import { encodeTraces } from '../support/otlp-encode.ts';
import { oneRun, sendOneRun } from './one-run.ts';

const MIB = 1024 * 1024;
const LIMIT = 20 * MIB;
const ROUNDS = Number(process.env['FINISHLINE_BAD_INPUT_ROUNDS'] ?? 8);
/**
 * Honest requests before memory is read: idle is that of a service that has been in use. By then V8's young generation
 * (64 MiB for each of its halves) has its size; it grows to that by any traffic.
 */
const WARMUP_REQUESTS = 4000;

interface Bad {
  readonly name: string;
  readonly status: number;
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly encoding?: string;
  readonly body?: Buffer;
}

const good = encodeTraces([
  {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'never-counted',
    startNs: BigInt(Date.now()) * 1_000_000n,
    endNs: BigInt(Date.now()) * 1_000_000n,
    attributes: { op: 'workflow', 'workflow.name': 'never-counted' },
  },
]);
const protobuf = 'application/x-protobuf';
const json = 'application/json';

/** A request whose first span is good and whose last byte is not there. */
const truncated = Buffer.concat([good, good]).subarray(0, -1);
const bomb = gzipSync(Buffer.alloc(LIMIT + 1));

const bad: readonly Bad[] = [
  { name: 'truncated protobuf', status: 400, type: protobuf, body: truncated },
  { name: 'a good span, then garbage', status: 400, type: protobuf, body: Buffer.concat([good, Buffer.from([0xff])]) },
  { name: 'protobuf as JSON', status: 400, type: json, body: good },
  { name: 'JSON as protobuf', status: 400, type: protobuf, body: Buffer.from(oneRun('never-counted').body) },
  { name: 'truncated JSON', status: 400, type: json, body: Buffer.from(oneRun('never-counted').body.slice(0, -1)) },
  { name: 'two JSON documents', status: 400, type: json, body: Buffer.from('{}{}') },
  { name: 'deep JSON', status: 400, type: json, body: Buffer.from('['.repeat(500_000)) },
  { name: 'truncated gzip', status: 400, type: protobuf, encoding: 'gzip', body: gzipSync(good).subarray(0, -9) },
  { name: 'no gzip', status: 400, type: protobuf, encoding: 'gzip', body: good },
  { name: 'unknown encoding', status: 400, type: protobuf, encoding: 'br', body: good },
  { name: 'too large', status: 413, type: protobuf, body: Buffer.alloc(LIMIT + 1) },
  { name: 'inflates to too large', status: 413, type: protobuf, encoding: 'gzip', body: bomb },
  {
    name: 'inflates to 200 MiB',
    status: 413,
    type: json,
    encoding: 'gzip',
    body: gzipSync(Buffer.alloc(200 * MIB, ' ')),
  },
  { name: 'as large as allowed, and nothing', status: 400, type: protobuf, body: Buffer.alloc(LIMIT) },
  { name: 'wrong type', status: 415, type: 'text/plain', body: good },
  { name: 'wrong path', status: 404, path: '/v1/metrics', type: protobuf, body: good },
  { name: 'wrong method', status: 405, method: 'PUT', type: protobuf, body: good },
];

const badGrpc: readonly { readonly name: string; readonly status: number; readonly frame: Buffer }[] = [
  { name: 'malformed message', status: 13, frame: grpcFrame(truncated) },
  { name: 'short frame', status: 13, frame: grpcFrame(good).subarray(0, -3) },
  { name: 'compressed flag without encoding', status: 13, frame: grpcFrame(good, 1) },
  { name: 'declared too large', status: 8, frame: Buffer.from([0, 0xff, 0xff, 0xff, 0xff]) },
];

test('bad input is refused, counts for nothing and is not kept in memory', async () => {
  await using service = await ServiceProcess.start();
  const http = `http://${service.otlp.http}`;
  let honest = 0;
  const sendHonest = async (): Promise<void> => {
    expect((await sendOneRun(http, oneRun('honest'))).status).toBe(200);
    honest++;
  };
  for (let i = 0; i < WARMUP_REQUESTS; i++) await sendHonest();
  await pause(3000);
  const idle = usageOf(service.pid).serviceRssBytes;

  using peak = new PeakMemory(service.pid);
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of bad) {
      expect([each.name, await answer(http, each)]).toEqual([each.name, each.status]);
      await sendHonest();
    }
    for (const each of badGrpc) {
      expect([each.name, await grpcAnswer(service.otlp.grpc, each.frame)]).toEqual([each.name, each.status]);
      await sendHonest();
    }
  }
  await pause(4000);
  const grown = (peak.serviceBytes - idle) / MIB;
  console.log(
    `${ROUNDS * (bad.length + badGrpc.length)} bad requests, ${honest} honest ones between them: ` +
      `idle ${(idle / MIB).toFixed(0)} MiB, at most ${grown.toFixed(0)} MiB above it`,
  );
  const [runs] = await service.query<{ honest: number; others: number }>(
    "SELECT countIf(process = 'honest') AS honest, countIf(process != 'honest') AS others FROM runs",
  );
  expect(runs).toEqual({ honest, others: 0 });
  const [health] = await service.query<{ runs: number }>(
    "SELECT sum(runs) AS runs FROM process_health WHERE window = '1h'",
  );
  expect(health).toEqual({ runs: honest });
  expect(grown).toBeLessThanOrEqual(64);
});

async function answer(http: string, { path, method, type, encoding, body }: Bad): Promise<number> {
  const response = await fetch(`${http}${path ?? '/v1/traces'}`, {
    method: method ?? 'POST',
    headers: {
      ...(type !== undefined && { 'content-type': type }),
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    },
    ...(body !== undefined && { body: new Uint8Array(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

function grpcFrame(message: Buffer, flag = 0): Buffer {
  const frame = Buffer.alloc(5 + message.length, flag);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

/** The `grpc-status` of a unary Export call whose body is `frame`. */
async function grpcAnswer(address: string, frame: Buffer): Promise<number> {
  const session = connect(`http://${address}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const status = new Promise<number>((resolve, reject) => {
      const read = (headers: Readonly<Record<string, unknown>>): void => {
        if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
      };
      stream.on('response', read).on('trailers', read).on('error', reject);
      stream.on('close', () => reject(new Error('closed without a grpc-status')));
      stream.resume();
    });
    stream.end(frame);
    return await status;
  } finally {
    session.destroy();
  }
}
