/** The scan's rules one by one, each case written out in bytes; the property test beside it covers their mixtures. */
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../receiver/otlp/refusal.ts';
import { reframe } from '../../../receiver/otlp/reframe.ts';
import { RequestScan } from '../../../receiver/otlp/request-scan.ts';
import { settleSightings } from '../../../receiver/otlp/sightings.ts';
import { native } from '../../../schema/dialects/native.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import { decodedSpans, protobufRequest, TRACE_ID } from './sample-requests.ts';
import { traceType } from './trace-proto.ts';

const scan = new RequestScan(defaultDialects);

/** A length-delimited field below 16, of less than 16 KiB. */
function field(number: number, content: Buffer | string): Buffer {
  const { length } = Buffer.from(content);
  const prefix = length < 128 ? [length] : [(length & 127) | 128, length >>> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...prefix]), Buffer.from(content)]);
}

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const IDS = Buffer.concat([field(1, bytes(TRACE_ID)), field(2, bytes('00f067aa0ba902b7'))]);
const attribute = (key: string, value: Buffer): Buffer => field(9, Buffer.concat([field(1, key), field(2, value)]));
const TAG = attribute('op', field(1, 'step'));
const inRequest = (...spans: Buffer[]): Buffer =>
  field(1, field(2, Buffer.concat(spans.map((span) => field(2, span)))));

/** The kept spans, decoded; `watched` are trace ids that the processor asks for. */
function kept(request: Buffer, watched: readonly string[] = []): Record<string, unknown>[] {
  scan.scan(request);
  settleSightings(scan, request, { active: () => watched.length > 0, watches: (id) => watched.includes(id) });
  const tracesData = reframe(scan.plan, request);
  return tracesData === undefined ? [] : decodedSpans(tracesData);
}

describe('malformed spans refuse the request, wherever they stand', () => {
  it.each([
    ['a tag without content', '0a'],
    ['wire type 6', '0e 00'],
    ['wire type 7', '0f 00'],
    ['field 0', '02 00'],
    ['field 0, padded', '82 00 00'],
    ['trace_id as a varint', '08 01'],
    ['trace_id of 15 bytes', `0a 0f ${'01'.repeat(15)}`],
    ['trace_id of 17 bytes', `0a 11 ${'01'.repeat(17)}`],
    ['span_id of 7 bytes', `12 07 ${'01'.repeat(7)}`],
    ['parent_span_id of 4 bytes', `22 04 ${'01'.repeat(4)}`],
    ['start time as a varint', '38 01'],
    ['flags as a varint', '80 01 01'],
    ['kind as a string', '32 00'],
    ['status as a varint', '78 01'],
    ['a cut fixed64', '39 01 02 03'],
    ['cut flags', '85 01 01 02'],
    ['a length over the end', '2a 05 61'],
    ['a length of 2^31', '2a 80 80 80 80 08'],
    ['a length of 2^63', '2a 80 80 80 80 80 80 80 80 80 01'],
    ['a varint of eleven bytes', '30 80 80 80 80 80 80 80 80 80 80 00'],
    ['a cut varint', '30 80'],
    ['a field number of 2^29', '80 80 80 80 10 00'],
    ['a field number of 2^32 + 1', '8a 80 80 80 80 01 00'],
    ['an end of a group', 'a4 01'],
    ['a group that is not ended', 'a3 01'],
    ['a group with another end', 'a3 01 ac 01'],
    ['groups nested 101 deep', 'a3 01'.repeat(101) + 'a4 01'.repeat(101)],
    ['an attribute with a cut value', '4a 05 0a 01 61 12 02'],
    ['an attribute whose value runs over it', '4a 05 0a 01 61 12 01'],
    ['an attribute whose key runs over it', '4a 03 0a 09 61'],
    ['an attribute with a numeric key', '4a 02 08 01'],
    ['a string value that is too long', '4a 07 0a 01 61 12 02 0a 01'],
    ['a string value that is too short', '4a 08 0a 01 61 12 03 0a 00 61'],
    ['a cut int value', '4a 07 0a 01 61 12 02 18 80'],
    ['an int value of eleven bytes', '4a 11 0a 01 61 12 0c 18 80 80 80 80 80 80 80 80 80 80 00'],
    ['two values in the place of one', '4a 08 0a 01 61 12 03 18 01 00'],
    ['a double of four bytes', '4a 0a 0a 01 61 12 05 21 00 00 00 00'],
    ['a string as fixed64', '4a 0e 0a 01 61 12 09 09 00 00 00 00 00 00 00 00'],
    ['an event with a time as a varint', '5a 02 08 01'],
    ['an event with a bad attribute', '5a 04 1a 02 0a 05'],
    ['a link with a trace_id of one byte', '6a 03 0a 01 01'],
    ['a status with a code as a string', '7a 02 1a 00'],
    ['a status that is cut', '7a 02 18 80'],
    ['a nested array that is cut', '4a 09 0a 01 61 12 04 2a 02 0a 05'],
  ])('%s', (_name, hex) => {
    const bad = bytes(hex);
    const tagged = Buffer.concat([IDS, TAG]);
    for (const span of [bad, Buffer.concat([IDS, bad]), Buffer.concat([tagged, bad])]) {
      expect(() => kept(inRequest(tagged, span))).toThrow(Refusal);
      expect(() => kept(inRequest(span, tagged))).toThrow(Refusal);
    }
    expect(kept(inRequest(tagged)).length).toBe(1);
  });

  it.each([
    ['resource as a varint', '0a 02 08 01'],
    ['scope_spans as a varint', '0a 02 10 01'],
    ['schema_url as a varint', '0a 02 18 01'],
    ['the deprecated field as a varint', '0a 03 c0 3e 01'],
    ['a bad attribute of the resource', '0a 06 0a 04 0a 02 0a 05'],
    ['a bad entity of the resource', '0a 06 0a 04 1a 02 0a 05'],
    ['a bad scope', '0a 06 12 04 0a 02 0a 05'],
    ['a scope as a varint', '0a 04 12 02 08 01'],
    ['spans as a varint', '0a 04 12 02 10 01'],
    ['a bad span in the deprecated field', '0a 07 c2 3e 04 12 02 0a 05'],
    ['resource_spans as a varint', '08 01'],
    ['a zero byte behind the request', '0a 00 00'],
    ['another kind of request', '09 00 00 00 00 00 00 00 00'],
  ])('%s', (_name, hex) => {
    expect(() => kept(bytes(hex))).toThrow(Refusal);
    expect(() => kept(Buffer.concat([protobufRequest({}), bytes(hex)]))).toThrow(Refusal);
  });

  it('every prefix of a request is refused, or is a shorter request', () => {
    const one = protobufRequest({ attributes: { op: 'workflow', long: 'x'.repeat(300) }, status: 2 });
    const request = Buffer.concat([one, one]);
    for (let length = 0; length <= request.length; length++) {
      const prefix = request.subarray(0, length);
      if (length % one.length === 0) expect(kept(prefix).length).toBe(length / one.length);
      else expect(() => kept(prefix), `${length} bytes`).toThrow(Refusal);
    }
  });

  it('the message says what is wrong and where', () => {
    expect(() => kept(inRequest(bytes('38 01')))).toThrow('proto: wrong wireType = 0 for field 7 of Span (at byte 7)');
  });
});

describe('legal oddities are read', () => {
  it.each([
    ['padded tags', Buffer.concat([bytes('8a 80 00 10'), bytes(TRACE_ID), field(2, bytes('00f067aa0ba902b7')), TAG])],
    [
      'a padded length',
      Buffer.concat([bytes('0a 90 80 00'), bytes(TRACE_ID), field(2, bytes('00f067aa0ba902b7')), TAG]),
    ],
    ['a padded tag of the attribute', Buffer.concat([IDS, bytes('ca 00'), TAG.subarray(1)])],
    ['ids after attributes', Buffer.concat([TAG, IDS])],
    ['a zero id before the real one', Buffer.concat([field(1, Buffer.alloc(16)), TAG, IDS])],
    ['unknown fields', Buffer.concat([IDS, bytes('a0 01 05 a2 01 01 61 a1 01 0102030405060708 a5 01 01020304'), TAG])],
    ['a group', Buffer.concat([IDS, bytes('a3 01 0a 01 61 ab 01 ac 01 08 05 a4 01'), TAG])],
    ['groups nested 100 deep', Buffer.concat([IDS, bytes('a3 01'.repeat(100) + 'a4 01'.repeat(100)), TAG])],
    ['a negative kind', Buffer.concat([IDS, bytes('30 ff ff ff ff ff ff ff ff ff 01'), TAG])],
    ['a key without a value', Buffer.concat([IDS, field(9, field(1, 'step.name'))])],
    [
      'a value before its key',
      Buffer.concat([IDS, field(9, Buffer.concat([field(2, field(1, 'step')), field(1, 'op')]))]),
    ],
    [
      'a key given twice',
      Buffer.concat([IDS, field(9, Buffer.concat([field(1, 'x'), field(1, 'op'), field(2, field(1, 'step'))]))]),
    ],
    ['a value given twice', Buffer.concat([IDS, attribute('op', Buffer.concat([bytes('18 05'), field(1, 'step')]))])],
    ['a key of invalid UTF-8 beside', Buffer.concat([IDS, attribute('\uFFFD', bytes('0a 01 ff')), TAG])],
    [
      'a strindex beside the value',
      Buffer.concat([IDS, attribute('op', Buffer.concat([field(1, 'step'), bytes('40 05')]))]),
    ],
  ])('%s', (_name, span) => {
    const request = inRequest(span);
    scan.scan(request);
    // Not decoded with protobufjs, which does not take all of them; the bytes are the same.
    expect(reframe(scan.plan, request)).toEqual(request);
  });

  it('lengths, keys and values beyond 127 bytes', () => {
    const attributes = {
      x: 'y'.repeat(500),
      ['k'.repeat(300)]: '',
      'workflow.name': 'n'.repeat(70_000),
      op: 'step',
    };
    expect(kept(protobufRequest({ attributes, parentSpanId: '00f067aa0ba902b1' })).length).toBe(1);
  });

  it('AnyValue nested 100,000 deep is validated without a deep stack', () => {
    const parts: Buffer[] = [];
    let length = 0;
    const wrap = (tag: number): void => {
      const header = [tag];
      for (let rest = length; ; rest >>>= 7) {
        header.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      parts.push(Buffer.from(header));
      length += header.length;
    };
    for (let depth = 0; depth < 100_000; depth++) {
      wrap(0x0a);
      wrap(0x2a);
    }
    for (const tag of [0x12, 0x4a, 0x12, 0x12, 0x0a]) wrap(tag);
    const good = Buffer.concat(parts.toReversed());
    expect(kept(good)).toEqual([]);
    expect(() => kept(good.subarray(0, -1))).toThrow(Refusal);
  });
});

describe('which spans are kept', () => {
  const parentSpanId = '00f067aa0ba902b1';
  const child = (attributes: Record<string, string>) => ({ parentSpanId, attributes });
  it.each<[string, Record<string, string>, number]>([
    ['op=workflow', { op: 'workflow' }, 1],
    ['op=step', { op: 'step' }, 1],
    ['op=workflow.step', { op: 'workflow.step' }, 1],
    ['op of another value', { op: 'workflows' }, 0],
    ['op in capitals', { op: 'Workflow' }, 0],
    ['an empty op', { op: '' }, 0],
    ['sentry.op=workflow', { 'sentry.op': 'workflow' }, 1],
    ['step.name of any value', { 'step.name': '' }, 1],
    ['a key with that beginning', { 'step.names': 'x', 'step.nam': 'x' }, 0],
    ['nothing', {}, 0],
  ])('%s', (_name, attributes, count) => {
    expect(kept(protobufRequest(child(attributes))).length).toBe(count);
  });

  it('presence counts whatever the value is, a value only as a string', () => {
    expect(kept(inRequest(Buffer.concat([IDS, attribute('step.name', bytes('18 05'))]))).length).toBe(1);
    const parented = Buffer.concat([IDS, field(4, bytes(parentSpanId))]);
    expect(kept(inRequest(Buffer.concat([parented, attribute('op', field(7, 'step'))])))).toEqual([]);
  });

  it('the first occurrence of a key counts', () => {
    const parented = Buffer.concat([IDS, field(4, bytes(parentSpanId))]);
    const other = attribute('op', field(1, 'http'));
    expect(kept(inRequest(Buffer.concat([parented, TAG, other]))).length).toBe(1);
    expect(kept(inRequest(Buffer.concat([parented, other, TAG])))).toEqual([]);
    expect(kept(inRequest(Buffer.concat([parented, attribute('op', bytes('18 05')), TAG])))).toEqual([]);
  });

  it('tagged spans without valid ids are dropped and counted', () => {
    const zero = { attributes: { op: 'step' }, traceId: '0'.repeat(32) };
    const none = { attributes: { op: 'step' }, spanId: '' };
    expect(kept(protobufRequest(zero, none, { attributes: {}, traceId: '' })).length).toBe(0);
    expect([scan.spans, scan.invalidIds]).toEqual([3, 2]);
  });

  it('untagged spans in error are evidence, if their ids are valid', () => {
    const error = { parentSpanId, attributes: {}, status: 2 };
    expect(kept(protobufRequest(error, { ...error, spanId: '0'.repeat(16) }, { ...error, status: 1 })).length).toBe(1);
  });

  it('a status in two pieces is one status', () => {
    const parented = Buffer.concat([IDS, field(4, bytes(parentSpanId))]);
    const split = Buffer.concat([parented, bytes('7a 02 18 02'), field(15, field(2, 'boom'))]);
    expect(kept(inRequest(split)).length).toBe(1);
    expect(kept(inRequest(Buffer.concat([split, bytes('7a 02 18 01')])))).toEqual([]);
  });

  const otherTrace = 'ab'.repeat(16);
  const latin1 = (id: string): string => bytes(id).toString('latin1');
  it('untagged local roots are kept for the traces that are asked for', () => {
    const root = { attributes: {} };
    const zeroParent = { attributes: {}, traceId: otherTrace, parentSpanId: '0'.repeat(16) };
    expect(kept(protobufRequest(root, zeroParent))).toEqual([]);
    expect(kept(protobufRequest(root, zeroParent), [latin1(otherTrace)]).length).toBe(1);
    expect(kept(protobufRequest(root, zeroParent), [latin1(otherTrace), latin1(TRACE_ID)]).length).toBe(2);
    expect(kept(protobufRequest(child({})), [latin1(TRACE_ID)])).toEqual([]);
  });

  it('a remote parent makes a local root, only with both bits', () => {
    for (const [flags, count] of [
      ['00 03', 1],
      ['01 03', 1],
      ['00 02', 0],
      ['00 01', 0],
    ] as const) {
      const span = Buffer.concat([IDS, field(4, bytes(parentSpanId)), bytes(`85 01 ${flags} 00 00`)]);
      expect(kept(inRequest(span), [latin1(TRACE_ID)]).length, flags).toBe(count);
    }
  });

  it('an undecided span of the same request asks for its local root, before or behind it', () => {
    const undecided = child({ op: 'workflow' });
    const root = { attributes: {}, spanId: '00f067aa0ba902ff' };
    expect(kept(protobufRequest(root, undecided, { ...root, traceId: otherTrace })).length).toBe(2);
    expect(kept(protobufRequest(undecided, root)).length).toBe(2);
    // A step is no question, a workflow without a parent answers it itself.
    expect(kept(protobufRequest(root, child({ op: 'step' }))).length).toBe(1);
    expect(kept(protobufRequest(root, { attributes: { op: 'workflow' } })).length).toBe(1);
  });

  it('a scan with one dialect keeps that one only', () => {
    const nativeOnly = new RequestScan([native]);
    const request = protobufRequest(child({ 'sentry.op': 'workflow' }), child({ op: 'step' }));
    nativeOnly.scan(request);
    expect(decodedSpans(reframe(nativeOnly.plan, request)!).length).toBe(1);
  });
});

describe('re-framing', () => {
  it('a resource behind its spans and in two pieces, a scope behind its spans: each once, first', () => {
    const span = field(2, Buffer.concat([IDS, TAG]));
    const value = field(2, field(1, 'v'));
    const resource = (key: string): Buffer => field(1, field(1, Buffer.concat([field(1, key), value])));
    const scopeSpans = field(2, Buffer.concat([span, field(1, field(1, 'scope')), field(3, 'url')]));
    const request = field(1, Buffer.concat([resource('a'), scopeSpans, field(3, 'url'), resource('b')]));
    scan.scan(request);
    const type = traceType('ExportTraceServiceRequest');
    const decoded = type.toObject(type.decode(reframe(scan.plan, request)!), { bytes: String });
    expect(decoded).toMatchObject({
      resource_spans: [
        {
          resource: { attributes: [{ key: 'a' }, { key: 'b' }] },
          scope_spans: [{ scope: { name: 'scope' }, spans: [{ attributes: [{ key: 'op' }] }] }],
        },
      ],
    });
    expect(decoded['resource_spans']).toHaveLength(1);
  });

  it('groups without a kept span vanish, the others keep their own resource and scope', () => {
    const parentSpanId = '00f067aa0ba902b1';
    const skipped = protobufRequest({ parentSpanId, attributes: {} });
    const step = protobufRequest({ parentSpanId, attributes: { op: 'step' } });
    const request = Buffer.concat([skipped, step, skipped, step, skipped]);
    scan.scan(request);
    expect(reframe(scan.plan, request)).toEqual(Buffer.concat([step, step]));
    expect(scan.spans).toBe(5);
  });

  it('the deprecated field counts where scope_spans is absent', () => {
    const group = field(2, Buffer.concat([IDS, TAG]));
    const old = Buffer.concat([bytes('c2 3e'), Buffer.from([group.length]), group]);
    expect(kept(field(1, old)).length).toBe(1);
    expect(kept(field(1, Buffer.concat([old, field(2, group)]))).length).toBe(1);
    expect(kept(field(1, Buffer.concat([old, field(2, '')]))).length).toBe(0);
    expect([scan.spans, scan.deprecated]).toEqual([1, 1]);
  });

  it('the result is a copy', () => {
    const request = protobufRequest({});
    scan.scan(request);
    const tracesData = reframe(scan.plan, request)!;
    const before = Buffer.from(tracesData);
    request.fill(0);
    expect(tracesData).toEqual(before);
  });

  it('more spans than the plan first has room for', () => {
    const request = protobufRequest(...Array.from({ length: 5000 }, () => ({})));
    expect(kept(request).length).toBe(5000);
    expect(reframe(scan.plan, request)).toEqual(request);
  });
});
