/**
 * Encodes spans as OTLP TracesData for tests, from the public field numbers and nothing of the service's own code.
 * https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/trace/v1/trace.proto
 */
import protobuf from 'protobufjs/minimal.js';

type Writer = protobuf.Writer;

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface TestSpan {
  /** 32 and 16 hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly remoteParent?: boolean;
  readonly name?: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly status?: 0 | 1 | 2;
  readonly message?: string;
  readonly traceState?: string;
  readonly attributes?: Attributes;
  readonly resource?: Attributes;
  readonly exception?: { readonly type?: string; readonly message?: string };
}

/** One ResourceSpans per span: framing must not matter. */
export function encodeTraces(spans: readonly TestSpan[]): Buffer {
  const writer = protobuf.Writer.create();
  for (const span of spans) {
    writer.uint32(0x0a).fork();
    writer.uint32(0x0a).fork();
    writeAttributes(writer, 0x0a, span.resource ?? {});
    writer.ldelim();
    writer.uint32(0x12).fork();
    writer.uint32(0x12).fork();
    writeSpan(writer, span);
    writer.ldelim().ldelim().ldelim();
  }
  return Buffer.from(writer.finish());
}

function writeSpan(writer: Writer, span: TestSpan): void {
  writer.uint32(0x0a).bytes(Buffer.from(span.traceId, 'hex'));
  writer.uint32(0x12).bytes(Buffer.from(span.spanId, 'hex'));
  if (span.traceState !== undefined) writer.uint32(0x1a).string(span.traceState);
  if (span.parentSpanId !== undefined) writer.uint32(0x22).bytes(Buffer.from(span.parentSpanId, 'hex'));
  if (span.name !== undefined) writer.uint32(0x2a).string(span.name);
  writeFixed64(writer, 0x39, span.startNs);
  writeFixed64(writer, 0x41, span.endNs);
  writeAttributes(writer, 0x4a, span.attributes ?? {});
  if (span.exception !== undefined) writeException(writer, span.exception);
  if (span.status !== undefined || span.message !== undefined) {
    writer.uint32(0x7a).fork();
    if (span.message !== undefined) writer.uint32(0x12).string(span.message);
    if (span.status !== undefined) writer.uint32(0x18).int32(span.status);
    writer.ldelim();
  }
  writer.uint32(0x85).fixed32(span.parentSpanId === undefined ? 0x101 : span.remoteParent === true ? 0x301 : 0x101);
}

function writeException(writer: Writer, exception: { readonly type?: string; readonly message?: string }): void {
  const attributes: Record<string, string> = {};
  if (exception.type !== undefined) attributes['exception.type'] = exception.type;
  if (exception.message !== undefined) attributes['exception.message'] = exception.message;
  writer.uint32(0x5a).fork();
  writer.uint32(0x12).string('exception');
  writeAttributes(writer, 0x1a, attributes);
  writer.ldelim();
}

function writeAttributes(writer: Writer, tag: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.uint32(tag).fork();
    writer.uint32(0x0a).string(key);
    writer.uint32(0x12).fork();
    if (typeof value === 'string') writer.uint32(0x0a).string(value);
    else if (typeof value === 'boolean') writer.uint32(0x10).bool(value);
    else if (Number.isInteger(value)) writer.uint32(0x18).int64(value);
    else writer.uint32(0x21).double(value);
    writer.ldelim().ldelim();
  }
}

function writeFixed64(writer: Writer, tag: number, value: bigint): void {
  writer.uint32(tag);
  writer.fixed32(Number(value & 0xffff_ffffn));
  writer.fixed32(Number(value >> 32n));
}
