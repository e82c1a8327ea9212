/**
 * Real exporters against the real service: what applications send today must end in the right SQL answer.
 * OpenTelemetry's three OTLP exporters for Node, and an application with Sentry's SDK.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ServiceProcess } from '../../bench/service-process.ts';

let service: ServiceProcess;

beforeAll(async () => {
  service = await ServiceProcess.start();
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
});

/** Asks until there are at least so many rows, for at most 20 s; then once more a little later, for rows too many. */
async function rowsOf(sql: string, count: number): Promise<Record<string, unknown>[]> {
  const deadline = Date.now() + 20_000;
  while ((await service.query(sql)).length < count && Date.now() < deadline) await pause(100);
  await pause(1500);
  return service.query(sql);
}

/** A run of two steps; `broken` names the one that throws. */
function recordRun(tracer: Tracer, endedAgoMs: number, broken: string | undefined): void {
  const endMs = Date.now() - endedAgoMs;
  const root = tracer.startSpan('order', {
    startTime: endMs - 400,
    attributes: { op: 'workflow', 'workflow.name': 'order-fulfillment' },
    root: true,
  });
  const inside = trace.setSpan(ROOT_CONTEXT, root);
  for (const [index, name] of ['charge_card', 'ship'].entries()) {
    const attributes = { op: 'workflow.step', 'step.name': name };
    const step = tracer.startSpan(name, { startTime: endMs - 400 + index * 200, attributes }, inside);
    if (name === broken) {
      step.recordException(new TypeError('card declined'), endMs);
      step.setStatus({ code: SpanStatusCode.ERROR, message: 'card declined' });
    }
    step.end(endMs - 200 + index * 200);
    if (name === broken) break;
  }
  root.end(endMs);
}

describe.each<[name: string, exporter: () => SpanExporter]>([
  ['grpc', () => new GrpcExporter({ url: `http://${service.otlp.grpc}` })],
  ['http (JSON)', () => new JsonExporter({ url: `http://${service.otlp.http}/v1/traces` })],
  ['proto', () => new ProtobufExporter({ url: `http://${service.otlp.http}/v1/traces` })],
])('the %s exporter', (name, exporter) => {
  const environment = `exporter-${name}`;

  test('ends in the right rows and rates', async () => {
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop', 'deployment.environment.name': environment }),
      spanProcessors: [new BatchSpanProcessor({ exporter: exporter() })],
    });
    const tracer = provider.getTracer('test');
    for (let run = 0; run < 4; run++) recordRun(tracer, 1000 + run, run === 0 ? 'charge_card' : undefined);
    await provider.forceFlush();
    await provider.shutdown();

    const runs = await rowsOf(
      `SELECT process, service, state, failing_step, error_type, error_message, steps, duration_ms
       FROM runs WHERE environment = '${environment}' ORDER BY state`,
      4,
    );
    const common = { process: 'order-fulfillment', service: 'shop', duration_ms: 400 };
    const error = { error_type: 'TypeError', error_message: 'card declined' };
    const none = { error_type: '', error_message: '' };
    expect(runs).toEqual([
      { ...common, state: 'FAILED', failing_step: 'charge_card', ...error, steps: 1 },
      { ...common, state: 'SUCCEEDED', failing_step: '', ...none, steps: 2 },
      { ...common, state: 'SUCCEEDED', failing_step: '', ...none, steps: 2 },
      { ...common, state: 'SUCCEEDED', failing_step: '', ...none, steps: 2 },
    ]);
    const health = await rowsOf(
      `SELECT runs, failed, completion_rate, p95_ms, failing_step FROM process_health
       WHERE environment = '${environment}' AND window = '1h'`,
      1,
    );
    expect(health).toEqual([{ runs: 4, failed: 1, completion_rate: 0.75, p95_ms: 400, failing_step: 'charge_card' }]);
  });
});

interface HandledRequest {
  /** Of the span of the HTTP handler that Sentry made. */
  readonly traceId?: string;
  readonly op?: string;
  readonly endedMs: number;
}

class SentryApp implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(otlpUrl: string) {
    const program = join(import.meta.dirname, 'sentry-app.ts');
    this.#child = spawn(process.execPath, [program, otlpUrl], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  async line<T>(): Promise<T> {
    const { value } = await this.#lines.next();
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin!.end();
    await ended;
  }
}

test('a workflow in an HTTP handler of an application with Sentry is one run, not two', async () => {
  await using app = new SentryApp(`http://${service.otlp.http}`);
  const { port } = await app.line<{ port: number }>();
  await (await fetch(`http://127.0.0.1:${port}/checkout`, { method: 'POST' })).text();
  const handled = await app.line<HandledRequest>();
  expect(handled.op).toBe('http.server');

  const sql = `SELECT process, dialect, state, steps, trace_id FROM runs WHERE process = 'sentry-checkout'`;
  const deadline = Date.now() + 20_000;
  while ((await service.query(sql)).length === 0 && Date.now() < deadline) await pause(50);
  console.log(`Sentry: the run was in SQL ${Date.now() - handled.endedMs} ms after the end of the HTTP handler`);

  // Long enough for a second run to come up by itself, had the inner span been taken for one.
  await pause(3000);
  expect(await service.query(`SELECT process FROM runs WHERE dialect = 'sentry'`)).toHaveLength(1);
  expect(await service.query(sql)).toEqual([
    { process: 'sentry-checkout', dialect: 'sentry', state: 'SUCCEEDED', steps: 2, trace_id: handled.traceId },
  ]);
  const steps = await service.query<{ step: string }>(
    `SELECT step FROM steps WHERE process = 'sentry-checkout' ORDER BY started_at`,
  );
  expect(steps.map(({ step }) => step)).toEqual(['charge_card', 'notify']);
});
