/** Export requests for tests, as JSON documents and as bytes written with the reflection of trace-proto.ts. */
import { traceType } from './trace-proto.ts';

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';

interface SpanOptions {
  readonly attributes?: Readonly<Record<string, string>>;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly status?: number;
}

/** A span as OTLP/JSON; tagged as a workflow unless told otherwise. */
export function jsonSpan(options: SpanOptions = {}): Record<string, unknown> {
  const { attributes = { op: 'workflow', 'workflow.name': 'checkout' }, status = 0 } = options;
  return {
    traceId: options.traceId ?? TRACE_ID,
    spanId: options.spanId ?? '00f067aa0ba902b7',
    parentSpanId: options.parentSpanId ?? '',
    name: 'checkout',
    kind: 1,
    startTimeUnixNano: '1544712660000000001',
    endTimeUnixNano: '1544712661000000000',
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
    status: { code: status },
  };
}

export function jsonRequest(...spans: unknown[]): Record<string, unknown> {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'test' }, spans }] }] };
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const attribute = ([key, text]: [string, string]) => ({ key, value: { string_value: text } });

/** The same request as protobuf. */
export function protobufRequest(...spans: SpanOptions[]): Buffer {
  const type = traceType('ExportTraceServiceRequest');
  const written = (spans.length === 0 ? [{}] : spans).map((options: SpanOptions) => ({
    trace_id: hex(options.traceId ?? TRACE_ID),
    span_id: hex(options.spanId ?? '00f067aa0ba902b7'),
    parent_span_id: hex(options.parentSpanId ?? ''),
    name: 'checkout',
    attributes: Object.entries(options.attributes ?? { op: 'workflow' }).map(attribute),
    status: { code: options.status ?? 0 },
  }));
  const resource = { attributes: [attribute(['service.name', 'shop'])] };
  const message = { resource_spans: [{ resource, scope_spans: [{ scope: { name: 'test' }, spans: written }] }] };
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** The spans of TracesData as protobufjs decodes them. */
export function decodedSpans(tracesData: Uint8Array): Record<string, unknown>[] {
  const type = traceType('ExportTraceServiceRequest');
  const request = type.toObject(type.decode(tracesData), { longs: String, bytes: String, defaults: false }) as {
    resource_spans?: { scope_spans?: { spans?: Record<string, unknown>[] }[] }[];
  };
  const scopes = (request.resource_spans ?? []).flatMap((group) => group.scope_spans ?? []);
  return scopes.flatMap((scope) => scope.spans ?? []);
}
