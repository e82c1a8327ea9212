/**
 * "Keeping your trace backend? Send to both": a real Collector with the very YAML of README.md sends to a real Finishline
 * and to a trace backend. Finishline's answers are those of the truth, and the backend misses nothing.
 */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Delivery } from '../../bench/generator/deliver.ts';
import { Templates } from '../../bench/generator/templates.ts';
import { runTruths } from '../../bench/generator/truth.ts';
import { type Workload, workloadEndingBetween } from '../../bench/generator/workload.ts';
import { ServiceProcess } from '../../bench/service-process.ts';
import { OtlpDecoder, type SeenSpan } from '../../bench/verify/otlp-decoder.ts';
import { verifyService } from '../../bench/verify/verify-service.ts';
import { BackendSink } from './backend-sink.ts';
import { buildLimitMs, builtCollector } from './built-collector.ts';
import { CollectorProcess } from './collector-process.ts';
import { CountingRelay } from './counting-relay.ts';

const limitMs = 90_000;
let binary: string;

beforeAll(async () => {
  binary = await builtCollector();
}, buildLimitMs + 10_000);

/** The block of README.md as it stands, its one endpoint moved to the port where Finishline listens here. */
function documentedConfig(port: string | number): string {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const block = /^```yaml collector\n([\s\S]*?)^```$/m.exec(readme)?.[1];
  if (block === undefined) throw new Error('README.md: expected a block that starts with ```yaml collector');
  const endpoint = 'endpoint: http://localhost:4318\n';
  if (block.split(endpoint).length !== 2) throw new Error(`README.md: expected "${endpoint.trim()}" once in\n${block}`);
  return block.replace('localhost:4318', `localhost:${port}`);
}

/** What a Collector with a trace backend has already: a receiver and the backend's exporter. */
function existingConfig(backend: BackendSink): string {
  return stringify({
    receivers: { otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } } } },
    exporters: { 'otlphttp/backend': { endpoint: backend.url } },
    service: {
      // Its own metrics would take port 8888; its addresses are read from a JSON log.
      telemetry: { metrics: { level: 'none' }, logs: { encoding: 'json' } },
      pipelines: { traces: { receivers: ['otlp'], exporters: ['otlphttp/backend'] } },
    },
  });
}

/** At least 640 runs of eight processes, four of five spans untagged, each run spread over several requests. */
function workload(seed: number): Workload {
  const nowUs = Date.now() * 1000;
  return workloadEndingBetween(nowUs - 60e6, nowUs - 5e6, {
    seed,
    spans: 640 * 5 * 5,
    spansPerRequest: 64,
    workflowPerMille: 200,
    failing: 0.1,
    recovering: 0,
    unfinished: 0.02,
    noRootError: true,
    shuffle: true,
  });
}

/** Sends to the Collector, in protobuf over both protocols; every request is acknowledged at its first try. */
async function send(load: Workload, collector: CollectorProcess): Promise<void> {
  const faults = { duplicates: 0, late: 0, lateDelayMs: 0 };
  const protocols = ['http', 'grpc', 'http+gzip'] as const;
  await new Delivery(load, { ...faults, protocols, endpoints: collector.otlp, connections: 4, tries: 1 }).run();
}

function sentBodies(load: Workload): Buffer[] {
  const templates = new Templates(load, 'protobuf');
  return Array.from({ length: load.requests }, (_, request) => {
    const room = Buffer.alloc(templates.maxBytes());
    return room.subarray(0, templates.write(request, room));
  });
}

/** Every span as one line, in an order of their own: equal lists are equal spans, none missing, none twice. */
function spanLines(spans: readonly SeenSpan[]): string[] {
  return spans
    .map((span) =>
      JSON.stringify(span, (_, value: unknown) => {
        if (value instanceof Map) return Object.fromEntries(value);
        return typeof value === 'bigint' ? String(value) : value;
      }),
    )
    .toSorted();
}

async function backendGotEverything(backend: BackendSink, load: Workload): Promise<void> {
  const decoder = new OtlpDecoder();
  const sent = sentBodies(load).flatMap((body) => decoder.protobuf(body));
  expect(sent).toHaveLength(load.spans);
  expect(sent.filter((span) => !span.attributes.has('op') && !span.attributes.has('step.name')).length).toBeGreaterThan(
    load.spans / 2,
  );
  const deadline = Date.now() + limitMs;
  while (backend.spans.length < sent.length && Date.now() < deadline) await pause(50);
  expect(backend.refused).toEqual([]);
  expect(backend.spans).toHaveLength(sent.length);
  const [got, expected] = [spanLines(backend.spans), spanLines(sent)];
  expect(got.filter((line, index) => line !== expected[index]).slice(0, 5)).toEqual([]);
}

async function finishlineIsRight(service: ServiceProcess, load: Workload): Promise<void> {
  const truth = [...runTruths(load)];
  expect(truth.length).toBeGreaterThan(600);
  const result = await verifyService((sql) => service.query(sql), truth, { toleranceUs: 0, limitMs });
  expect(result.differences).toEqual([]);
  expect(result.healthRows).toBe(8 * 3);
}

/** Spans that Finishline accepted over one transport; a slow answer that the Collector tried again counts twice. */
async function accepted(service: ServiceProcess, transport: 'grpc' | 'http'): Promise<number> {
  const metrics = await service.metrics();
  const pattern = new RegExp(`^otelcol_receiver_accepted_spans\\{.*transport="${transport}".*\\} (\\d+)$`, 'm');
  return Number(pattern.exec(metrics)?.[1] ?? 0);
}

describe('Finishline as a second exporter of a Collector', { timeout: limitMs * 3 }, () => {
  test('as README.md has it, over HTTP', async () => {
    await using service = await ServiceProcess.start();
    await using backend = await BackendSink.start();
    const documented = documentedConfig(service.otlp.http.split(':').at(-1)!);
    await using collector = await CollectorProcess.start(binary, [existingConfig(backend), documented]);
    const load = workload(31);

    await send(load, collector);

    await backendGotEverything(backend, load);
    await finishlineIsRight(service, load);
    expect(await accepted(service, 'http')).toBeGreaterThanOrEqual(load.spans);
    expect(await collector.stop()).toBe(0);
    expect(collector.errors).toEqual([]);
    expect(backend.spans).toHaveLength(load.spans);
  });

  test('over gRPC, compressed as its exporter does by default', async () => {
    await using service = await ServiceProcess.start();
    await using backend = await BackendSink.start();
    await using relay = await CountingRelay.start(service.otlp.grpc);
    const second = stringify({
      exporters: { 'otlp/finishline': { endpoint: `localhost:${relay.port}`, tls: { insecure: true } } },
      service: { pipelines: { traces: { exporters: ['otlphttp/backend', 'otlp/finishline'] } } },
    });
    await using collector = await CollectorProcess.start(binary, [existingConfig(backend), second]);
    const load = workload(32);

    await send(load, collector);

    await backendGotEverything(backend, load);
    await finishlineIsRight(service, load);
    expect(await accepted(service, 'grpc')).toBeGreaterThanOrEqual(load.spans);
    const plainBytes = sentBodies(load).reduce((sum, body) => sum + body.length, 0);
    expect(relay.bytesSent).toBeGreaterThan(0);
    expect(relay.bytesSent).toBeLessThan(plainBytes / 2);
    expect(await collector.stop()).toBe(0);
    expect(collector.errors).toEqual([]);
    expect(backend.spans).toHaveLength(load.spans);
  });

  test('while Finishline is away the backend gets everything, and Finishline afterwards too', async () => {
    await using backend = await BackendSink.start();
    const port = await freePort();
    await using collector = await CollectorProcess.start(binary, [existingConfig(backend), documentedConfig(port)]);
    const load = workload(33);

    await send(load, collector);
    await backendGotEverything(backend, load);
    // The Collector's exporter holds what Finishline did not take yet, and tries again after 5 s and more.
    const settings = [`receivers.otlp.protocols.http.endpoint=localhost:${port}`];
    await using service = await ServiceProcess.start({ settings });
    await finishlineIsRight(service, load);
    expect(await accepted(service, 'http')).toBeGreaterThanOrEqual(load.spans);
    expect(backend.spans).toHaveLength(load.spans);
  });
});

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
