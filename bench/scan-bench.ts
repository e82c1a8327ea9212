/**
 * What the scan costs per span, alone: `npm run bench:scan`, with the inlining flag of `npm start`: without it the loop
 * over a span's attributes is a call for each span, 110 ns instead of 96.
 * Prints ns per span for requests of 512 spans of which none, a tenth and all are workflow spans; with the latter two
 * the re-framing of the kept ones is in the figure. Untagged spans have ten attributes, about 430 bytes.
 * CPU time, so that neighbours disturb little; the least of many rounds and their median.
 */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import protobuf from 'protobufjs/minimal.js';
import { reframe } from '../receiver/otlp/reframe.ts';
import { RequestScan } from '../receiver/otlp/request-scan.ts';
import { settleSightings } from '../receiver/otlp/sightings.ts';
import { defaultDialects } from '../schema/dialects/registry.ts';
import type { RootWatch } from '../schema/span-batch.ts';

const SPANS_PER_REQUEST = 512;
/** Enough different requests that they do not stay in the processor's first caches. */
const REQUESTS = 16;
const ROUNDS = 60;
const WARM_ROUNDS = 10;
const SCANS_PER_ROUND = 200;

type Attributes = Readonly<Record<string, string | number>>;

const HTTP_SPAN: Attributes = {
  'http.request.method': 'GET',
  'url.path': '/api/v1/orders/12345',
  'url.scheme': 'https',
  'server.address': 'orders.internal.example.com',
  'server.port': 8443,
  'http.response.status_code': 200,
  'network.protocol.version': '1.1',
  'user_agent.original': 'okhttp/4.12.0',
  'http.route': '/api/v1/orders/{id}',
  'thread.id': 42,
};
const STEP_SPAN: Attributes = { op: 'workflow.step', 'workflow.name': 'checkout', 'step.name': 'charge_card' };

function writeAttribute(writer: protobuf.Writer, field: number, key: string, value: string | number): void {
  writer.uint32((field << 3) | 2).fork();
  writer.uint32(0x0a).string(key);
  writer.uint32(0x12).fork();
  if (typeof value === 'string') writer.uint32(0x0a).string(value);
  else writer.uint32(0x18).int64(value);
  writer.ldelim().ldelim();
}

function writeSpan(writer: protobuf.Writer, attributes: Attributes): void {
  writer.uint32(0x12).fork();
  writer.uint32(0x0a).bytes(randomBytes(16));
  writer.uint32(0x12).bytes(randomBytes(8));
  writer.uint32(0x22).bytes(randomBytes(8));
  writer.uint32(0x2a).string('GET /api/v1/orders/{id}');
  writer.uint32(0x30).int32(2);
  writer.uint32(0x39).fixed64(1_700_000_000_000_000_000);
  writer.uint32(0x41).fixed64(1_700_000_000_004_000_000);
  for (const [key, value] of Object.entries(attributes)) writeAttribute(writer, 9, key, value);
  writer.uint32(0x7a).fork().ldelim();
  writer.uint32(0x85).fixed32(0x101);
  writer.ldelim();
}

/** An ExportTraceServiceRequest in which every n-th span is a workflow's. */
function requestOf(workflowSpanEvery: number): Buffer {
  const writer = protobuf.Writer.create();
  writer.uint32(0x0a).fork();
  writer.uint32(0x0a).fork();
  writeAttribute(writer, 1, 'service.name', 'checkout');
  writeAttribute(writer, 1, 'telemetry.sdk.name', 'opentelemetry');
  writer.ldelim();
  writer.uint32(0x12).fork();
  writer.uint32(0x0a).fork().uint32(0x0a).string('scope').ldelim();
  for (let i = 1; i <= SPANS_PER_REQUEST; i++) writeSpan(writer, i % workflowSpanEvery === 0 ? STEP_SPAN : HTTP_SPAN);
  writer.ldelim().ldelim();
  return writer.finish() as Buffer;
}

function nanosPerSpan(requests: readonly Buffer[]): number[] {
  const scan = new RequestScan(defaultDialects);
  const watch: RootWatch = { active: () => false, watches: () => false };
  const figures: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < SCANS_PER_ROUND; i++) {
      const request = requests[i % REQUESTS]!;
      scan.scan(request);
      settleSightings(scan, request, watch);
      reframe(scan.plan, request);
    }
    if (round < WARM_ROUNDS) continue;
    const { user, system } = process.cpuUsage(before);
    figures.push(((user + system) * 1000) / SCANS_PER_ROUND / SPANS_PER_REQUEST);
  }
  return figures.toSorted((a, b) => a - b);
}

for (const [name, every] of [
  ['untagged, skipped', SPANS_PER_REQUEST + 1],
  ['10 % workflow spans', 10],
  ['100 % workflow spans', 1],
] as const) {
  const requests = Array.from({ length: REQUESTS }, () => requestOf(every));
  const figures = nanosPerSpan(requests);
  const [least, median] = [figures[0]!, figures[Math.floor(figures.length / 2)]!];
  const bytes = Math.round(requests[0]!.length / SPANS_PER_REQUEST);
  console.log(`${name}: ${least.toFixed(0)} ns/span (median ${median.toFixed(0)}), ${bytes} bytes/span`);
}
