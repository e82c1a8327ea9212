/**
 * The messages of an OTLP trace export request, as data: field numbers, types and names.
 * Both readers compile this one table (message-validator.ts for protobuf, json-request.ts for JSON);
 * it holds what is checked, not what is done with it.
 * Source: opentelemetry-proto v1.11.0, trace.proto, common.proto, resource.proto, trace_service.proto.
 */

/** `id16` and `id8` are bytes of exactly that length, or empty (Collector: pdata TraceID and SpanID). */
export type ScalarType =
  | 'string'
  | 'bytes'
  | 'id16'
  | 'id8'
  | 'bool'
  | 'double'
  | 'fixed32'
  | 'fixed64'
  | 'uint32'
  | 'int32'
  | 'int64'
  | 'SpanKind'
  | 'StatusCode';

export interface FieldShape {
  readonly number: number;
  readonly type: ScalarType | MessageName;
  readonly repeated?: true;
}

const attributes = (number: number): FieldShape => ({ number, type: 'KeyValue', repeated: true });

export const messageNames = [
  'ExportTraceServiceRequest',
  'ResourceSpans',
  'ScopeSpans',
  'Resource',
  'InstrumentationScope',
  'EntityRef',
  'Span',
  'Event',
  'Link',
  'Status',
  'KeyValue',
  'AnyValue',
  'ArrayValue',
  'KeyValueList',
] as const;
export type MessageName = (typeof messageNames)[number];

/** Fields by their proto (snake_case) name. */
export const traceMessages: Readonly<Record<MessageName, Readonly<Record<string, FieldShape>>>> = {
  ExportTraceServiceRequest: { resource_spans: { number: 1, type: 'ResourceSpans', repeated: true } },
  ResourceSpans: {
    resource: { number: 1, type: 'Resource' },
    scope_spans: { number: 2, type: 'ScopeSpans', repeated: true },
    schema_url: { number: 3, type: 'string' },
  },
  ScopeSpans: {
    scope: { number: 1, type: 'InstrumentationScope' },
    spans: { number: 2, type: 'Span', repeated: true },
    schema_url: { number: 3, type: 'string' },
  },
  Resource: {
    attributes: attributes(1),
    dropped_attributes_count: { number: 2, type: 'uint32' },
    entity_refs: { number: 3, type: 'EntityRef', repeated: true },
  },
  InstrumentationScope: {
    name: { number: 1, type: 'string' },
    version: { number: 2, type: 'string' },
    attributes: attributes(3),
    dropped_attributes_count: { number: 4, type: 'uint32' },
  },
  EntityRef: {
    schema_url: { number: 1, type: 'string' },
    type: { number: 2, type: 'string' },
    id_keys: { number: 3, type: 'string', repeated: true },
    description_keys: { number: 4, type: 'string', repeated: true },
  },
  Span: {
    trace_id: { number: 1, type: 'id16' },
    span_id: { number: 2, type: 'id8' },
    trace_state: { number: 3, type: 'string' },
    parent_span_id: { number: 4, type: 'id8' },
    name: { number: 5, type: 'string' },
    kind: { number: 6, type: 'SpanKind' },
    start_time_unix_nano: { number: 7, type: 'fixed64' },
    end_time_unix_nano: { number: 8, type: 'fixed64' },
    attributes: attributes(9),
    dropped_attributes_count: { number: 10, type: 'uint32' },
    events: { number: 11, type: 'Event', repeated: true },
    dropped_events_count: { number: 12, type: 'uint32' },
    links: { number: 13, type: 'Link', repeated: true },
    dropped_links_count: { number: 14, type: 'uint32' },
    status: { number: 15, type: 'Status' },
    flags: { number: 16, type: 'fixed32' },
  },
  Event: {
    time_unix_nano: { number: 1, type: 'fixed64' },
    name: { number: 2, type: 'string' },
    attributes: attributes(3),
    dropped_attributes_count: { number: 4, type: 'uint32' },
  },
  Link: {
    trace_id: { number: 1, type: 'id16' },
    span_id: { number: 2, type: 'id8' },
    trace_state: { number: 3, type: 'string' },
    attributes: attributes(4),
    dropped_attributes_count: { number: 5, type: 'uint32' },
    flags: { number: 6, type: 'fixed32' },
  },
  Status: { message: { number: 2, type: 'string' }, code: { number: 3, type: 'StatusCode' } },
  KeyValue: {
    key: { number: 1, type: 'string' },
    value: { number: 2, type: 'AnyValue' },
    key_strindex: { number: 3, type: 'int32' },
  },
  AnyValue: {
    string_value: { number: 1, type: 'string' },
    bool_value: { number: 2, type: 'bool' },
    int_value: { number: 3, type: 'int64' },
    double_value: { number: 4, type: 'double' },
    array_value: { number: 5, type: 'ArrayValue' },
    kvlist_value: { number: 6, type: 'KeyValueList' },
    bytes_value: { number: 7, type: 'bytes' },
    string_value_strindex: { number: 8, type: 'int32' },
  },
  ArrayValue: { values: { number: 1, type: 'AnyValue', repeated: true } },
  KeyValueList: { values: attributes(1) },
};

/** Enum names as proto3 JSON writes them; the numbers are open (any int32 is accepted). */
export const enumValues: Readonly<Record<'SpanKind' | 'StatusCode', Readonly<Record<string, number>>>> = {
  SpanKind: {
    SPAN_KIND_UNSPECIFIED: 0,
    SPAN_KIND_INTERNAL: 1,
    SPAN_KIND_SERVER: 2,
    SPAN_KIND_CLIENT: 3,
    SPAN_KIND_PRODUCER: 4,
    SPAN_KIND_CONSUMER: 5,
  },
  StatusCode: { STATUS_CODE_UNSET: 0, STATUS_CODE_OK: 1, STATUS_CODE_ERROR: 2 },
};

/** Protobuf wire type of a field type: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
export function wireTypeOf(type: FieldShape['type']): 0 | 1 | 2 | 5 {
  switch (type) {
    case 'bool':
    case 'uint32':
    case 'int32':
    case 'int64':
    case 'SpanKind':
    case 'StatusCode':
      return 0;
    case 'double':
    case 'fixed64':
      return 1;
    case 'fixed32':
      return 5;
    default:
      return 2;
  }
}
