/**
 * Reads OTLP trace requests for verifiers and tests: protobuf by protobufjs from the specification's own field numbers,
 * JSON by JSON.parse; both into the same shape. Shares no code with the receiver or the generator, on purpose.
 */
import protobuf from 'protobufjs';

export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: ReadonlyMap<string, string>;
  readonly resource: ReadonlyMap<string, string>;
  /** OTLP StatusCode. */
  readonly status: number;
  readonly statusMessage: string;
  /** Attributes of the first event, empty when there is none. */
  readonly event: ReadonlyMap<string, string>;
}

/** From opentelemetry-proto v1.9: trace.proto, common.proto, resource.proto, the fields that are read here. */
const proto = `
  syntax = "proto3";
  message Request { repeated ResourceSpans resourceSpans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span {
    bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
    fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15; fixed32 flags = 16;
  }
  message Event { fixed64 timeUnixNano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; } }
`;

interface KeyValueJson {
  key: string;
  value: Record<string, string | number | boolean>;
}

interface SpanJson {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes?: KeyValueJson[];
  events?: { attributes?: KeyValueJson[] }[];
  status?: { message?: string; code?: number };
}

interface RequestJson {
  resourceSpans?: { resource?: { attributes?: KeyValueJson[] }; scopeSpans?: { spans?: SpanJson[] }[] }[];
}

const idKeys = new Set(['traceId', 'spanId', 'parentSpanId']);

export class OtlpDecoder {
  readonly #request = protobuf.parse(proto, { keepCase: true }).root.lookupType('Request');

  protobuf(body: Uint8Array): SeenSpan[] {
    const message = this.#request.decode(body);
    const object = this.#request.toObject(message, { longs: String, bytes: String });
    return seenSpans(object, (base64) => Buffer.from(base64, 'base64').toString('hex'));
  }

  /** The same request in OTLP/JSON: hex ids, 64-bit numbers as strings. */
  protobufToJson(body: Uint8Array): Buffer {
    const object = this.#request.toObject(this.#request.decode(body), { longs: String, bytes: String });
    return Buffer.from(
      JSON.stringify(object, (key, value: unknown) =>
        idKeys.has(key) && typeof value === 'string' ? Buffer.from(value, 'base64').toString('hex') : value,
      ),
    );
  }

  json(body: Uint8Array): SeenSpan[] {
    return seenSpans(JSON.parse(Buffer.from(body).toString('utf8')), (hex) => hex);
  }
}

function seenSpans(request: RequestJson, idText: (id: string) => string): SeenSpan[] {
  return (request.resourceSpans ?? []).flatMap((resourceSpans) => {
    const resource = attributeMap(resourceSpans.resource?.attributes);
    return (resourceSpans.scopeSpans ?? []).flatMap((scopeSpans) =>
      (scopeSpans.spans ?? []).map((span) => ({
        traceId: idText(span.traceId),
        spanId: idText(span.spanId),
        parentSpanId: idText(span.parentSpanId ?? ''),
        name: span.name,
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: attributeMap(span.attributes),
        resource,
        status: span.status?.code ?? 0,
        statusMessage: span.status?.message ?? '',
        event: attributeMap(span.events?.[0]?.attributes),
      })),
    );
  });
}

function attributeMap(entries: readonly KeyValueJson[] = []): Map<string, string> {
  return new Map(entries.map(({ key, value }) => [key, String(Object.values(value)[0] ?? '')]));
}
