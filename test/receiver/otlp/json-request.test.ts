/** OTLP/JSON: what each field takes, and that what is kept is the protobuf of the same values. */
import process from 'node:process';
import { describe, expect, it } from 'vitest';
import { JsonRequestReader } from '../../../receiver/otlp/json-request.ts';
import { Refusal } from '../../../receiver/otlp/refusal.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import { decodedSpans, jsonRequest, jsonSpan, TRACE_ID } from './sample-requests.ts';
import { traceType } from './trace-proto.ts';

const reader = new JsonRequestReader(defaultDialects);

function read(text: string): { request: Buffer; skipped: number } {
  return reader.read(Buffer.from(text));
}

/** A request of one tagged span whose fields are these, given as JSON text. */
function withField(field: string): string {
  const { attributes } = jsonSpan();
  return `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":${JSON.stringify(attributes)},${field}}]}]}]}`;
}

/** The only span of the request, decoded from the bytes that were made of it. */
function spanWith(field: string): Record<string, unknown> {
  return decodedSpans(read(withField(field)).request)[0]!;
}

/** The value of the attribute `x` that this AnyValue JSON becomes. */
function valueOf(anyValue: string): unknown {
  const span = spanWith(`"events":[{"attributes":[{"key":"x","value":${anyValue}}]}]`);
  const [event] = span['events'] as { attributes: { value?: unknown }[] }[];
  return event!.attributes[0]!.value;
}

const MAX_UINT64 = '18446744073709551615';

describe('accepted values', () => {
  it.each([
    ['"traceId":"0AF7651916CD43DD8448EB211C80319C"', 'trace_id', Buffer.from(TRACE_ID, 'hex').toString('base64')],
    ['"traceId":""', 'trace_id', undefined],
    ['"trace_id":"0af7651916cd43dd8448eb211c80319c"', 'trace_id', Buffer.from(TRACE_ID, 'hex').toString('base64')],
    ['"startTimeUnixNano":"1544712660000000001"', 'start_time_unix_nano', '1544712660000000001'],
    ['"startTimeUnixNano":1544712660000000001', 'start_time_unix_nano', '1544712660000000001'],
    ['"start_time_unix_nano":9007199254740993', 'start_time_unix_nano', '9007199254740993'],
    [`"startTimeUnixNano":${MAX_UINT64}`, 'start_time_unix_nano', MAX_UINT64],
    [`"startTimeUnixNano":"${MAX_UINT64}"`, 'start_time_unix_nano', MAX_UINT64],
    ['"startTimeUnixNano":"0"', 'start_time_unix_nano', undefined],
    ['"kind":3', 'kind', 3],
    ['"kind":99', 'kind', 99],
    ['"kind":-1', 'kind', -1],
    ['"kind":"SPAN_KIND_SERVER"', 'kind', 2],
    ['"flags":4294967295', 'flags', 4_294_967_295],
    ['"flags":"257"', 'flags', 257],
    ['"droppedEventsCount":7', 'dropped_events_count', 7],
    ['"name":"\\ud800 end"', 'name', '\uFFFD end'],
    ['"name":"a","name":"b"', 'name', 'b'],
    ['"nam\\u0065":"escaped key"', 'name', 'escaped key'],
    ['"status":{"code":"STATUS_CODE_ERROR","message":"no"}', 'status', { code: 2, message: 'no' }],
    ['"status":{"deprecatedCode":"x"}', 'status', {}],
    ['"unknown":{"a":[{"b":1e999}]},"":1,"__proto__":{"name":"y"},"name":"x"', 'name', 'x'],
  ])('%s', (field, name, expected) => {
    expect(spanWith(field)[name]).toEqual(expected);
  });

  it.each([
    '"traceId":null',
    '"parentSpanId":null',
    '"kind":null',
    '"startTimeUnixNano":null',
    '"status":null',
    '"name":null',
    '"events":null',
    '"flags":null',
    '"links":[]',
  ])('%s is the default', (field) => {
    expect(Object.keys(spanWith(field))).toEqual(['attributes']);
  });

  it.each([
    ['{"stringValue":"s"}', { string_value: 's' }],
    ['{"string_value":"s"}', { string_value: 's' }],
    ['{"boolValue":true}', { bool_value: true }],
    ['{"boolValue":false}', { bool_value: false }],
    ['{"intValue":-9223372036854775808}', { int_value: '-9223372036854775808' }],
    ['{"intValue":"9223372036854775807"}', { int_value: '9223372036854775807' }],
    ['{"intValue":9007199254740993}', { int_value: '9007199254740993' }],
    ['{"intValue":-5}', { int_value: '-5' }],
    ['{"intValue":"-4294967297"}', { int_value: '-4294967297' }],
    ['{"doubleValue":1}', { double_value: 1 }],
    ['{"doubleValue":1544712660000000001}', { double_value: 1_544_712_660_000_000_000 }],
    ['{"doubleValue":-1.5e300}', { double_value: -1.5e300 }],
    ['{"doubleValue":"NaN"}', { double_value: Number.NaN }],
    ['{"doubleValue":"-Infinity"}', { double_value: Number.NEGATIVE_INFINITY }],
    ['{"doubleValue":"2.5"}', { double_value: 2.5 }],
    ['{"bytesValue":"+/8="}', { bytes_value: '+/8=' }],
    ['{"bytesValue":"-_8"}', { bytes_value: '+/8=' }],
    ['{"bytesValue":"-_8="}', { bytes_value: '+/8=' }],
    ['{"bytesValue":"+/8"}', { bytes_value: '+/8=' }],
    ['{"bytesValue":""}', { bytes_value: '' }],
    [
      '{"arrayValue":{"values":[{"stringValue":"a"},null,{"intValue":1},{}]}}',
      { array_value: { values: [{ string_value: 'a' }, {}, { int_value: '1' }, {}] } },
    ],
    [
      '{"kvlistValue":{"values":[{"key":"k","value":{"boolValue":true}}]}}',
      { kvlist_value: { values: [{ key: 'k', value: { bool_value: true } }] } },
    ],
    ['{"stringValue":"first","intValue":2}', { int_value: '2' }],
    ['{"intValue":2,"stringValue":"last"}', { string_value: 'last' }],
    ['{"Value":{"StringValue":"x"}}', {}],
    ['{}', {}],
    ['null', undefined],
    ['{"stringValue":null}', {}],
  ])('value %s', (text, expected) => {
    expect(valueOf(text)).toEqual(expected);
  });

  it.each(['{}', 'null', '{"resourceSpans":[]}', '{"resourceSpans":[{}]}', '{"resourceSpans":[null]}', ' {"x":[]} '])(
    'request %s is empty',
    (text) => {
      expect(read(text).skipped).toBe(0);
      expect(decodedSpans(read(text).request)).toEqual([]);
    },
  );

  it('snake_case throughout, resource and scope with their spans', () => {
    const text = `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"${TRACE_ID}","attributes":[{"key":"op",
      "value":{"string_value":"workflow"}}]}],"scope":{"name":"s"}}],"schema_url":"u",
      "resource":{"attributes":[{"key":"service.name","value":{"string_value":"shop"}}]}}]}`;
    const type = traceType('ExportTraceServiceRequest');
    const request = type.toObject(type.decode(read(text).request), { bytes: String });
    expect(request).toEqual({
      resource_spans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { string_value: 'shop' } }] },
          schema_url: 'u',
          scope_spans: [
            {
              scope: { name: 's' },
              spans: [
                {
                  trace_id: Buffer.from(TRACE_ID, 'hex').toString('base64'),
                  attributes: [{ key: 'op', value: { string_value: 'workflow' } }],
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('invalid UTF-8 becomes U+FFFD', () => {
    const [before, after] = withField('"name":"§"').split('§');
    const body = Buffer.concat([Buffer.from(before!), Buffer.from([0xff]), Buffer.from(after!)]);
    expect(decodedSpans(reader.read(body).request)[0]!['name']).toBe('\uFFFD');
  });

  it('attributes keep their order and their repetitions', () => {
    const attributes = ['b', 'a', 'b', 'op'].map((key, i) => ({
      key,
      value: { stringValue: ['1', '2', '3', 'step'][i] },
    }));
    const text = JSON.stringify(jsonRequest({ attributes, parentSpanId: '00f067aa0ba902b7' }));
    const span = decodedSpans(read(text).request)[0]!;
    expect((span['attributes'] as { key: string }[]).map(({ key }) => key)).toEqual(['b', 'a', 'b', 'op']);
  });
});

describe('which spans are encoded', () => {
  const parentSpanId = '00f067aa0ba902b7';
  it.each([
    ['tagged', { parentSpanId, attributes: { op: 'step' } }, 1],
    ['tagged by presence', { parentSpanId, attributes: { 'step.name': '' } }, 1],
    ['another value', { parentSpanId, attributes: { op: 'http' } }, 0],
    ['in error', { parentSpanId, attributes: {}, status: 2 }, 1],
    ['without a parent', { attributes: {} }, 1],
    ['with a parent of zeros', { attributes: {}, parentSpanId: '0000000000000000' }, 1],
    ['nothing of it', { parentSpanId, attributes: {}, status: 1 }, 0],
  ])('%s', (_name, options, encoded) => {
    const { request, skipped } = read(JSON.stringify(jsonRequest(jsonSpan(options), jsonSpan(options))));
    expect([decodedSpans(request).length, skipped]).toEqual([encoded * 2, 2 - encoded * 2]);
  });

  it('a remote parent makes a local root', () => {
    const span = { ...jsonSpan({ parentSpanId, attributes: {} }), flags: 0x301 };
    expect(read(JSON.stringify(jsonRequest(span))).skipped).toBe(0);
  });
});

describe('refused', () => {
  it.each([
    '"traceId":"0af7651916cd43dd8448eb211c80319"',
    '"traceId":"CvdlGRbNQ92ESOshHIAxnA=="',
    '"traceId":"zzf7651916cd43dd8448eb211c80319c"',
    '"traceId":5',
    '"spanId":"00f067aa0ba902b700"',
    '"parentSpanId":"x"',
    '"startTimeUnixNano":"18446744073709551616"',
    '"startTimeUnixNano":18446744073709551616',
    '"startTimeUnixNano":"1e18"',
    '"startTimeUnixNano":1.5e18',
    '"startTimeUnixNano":1.5',
    '"startTimeUnixNano":"0x10"',
    '"startTimeUnixNano":""',
    '"startTimeUnixNano":true',
    '"startTimeUnixNano":-1',
    '"startTimeUnixNano":"-1"',
    '"startTimeUnixNano":{}',
    '"endTimeUnixNano":[]',
    '"flags":4294967296',
    '"flags":-1',
    '"flags":1.5',
    '"kind":"SERVER"',
    '"kind":"server"',
    '"kind":"2"',
    '"kind":"__proto__"',
    '"kind":2147483648',
    '"kind":true',
    '"name":5',
    '"attributes":{}',
    '"attributes":[5]',
    '"attributes":["x"]',
    '"attributes":[[]]',
    '"status":[]',
    '"status":"ok"',
    '"status":{"code":"ERROR"}',
    '"events":[{"name":1}]',
    '"links":[{"traceId":"abc"}]',
  ])('span field %s', (field) => {
    expect(() => read(withField(field))).toThrow(Refusal);
    // The same in a span that is not kept.
    const skipped = `{"parentSpanId":"00f067aa0ba902b7",${field}}`;
    expect(() => read(`{"resourceSpans":[{"scopeSpans":[{"spans":[${skipped}]}]}]}`)).toThrow(/^json: /);
  });

  it.each([
    '{"stringValue":5}',
    '{"boolValue":"true"}',
    '{"boolValue":1}',
    '{"intValue":"9223372036854775808"}',
    '{"intValue":-9223372036854775809}',
    '{"intValue":1.5}',
    '{"intValue":" 1"}',
    '{"doubleValue":"x"}',
    '{"doubleValue":""}',
    '{"doubleValue":true}',
    '{"bytesValue":"?"}',
    '{"bytesValue":"AAAAA"}',
    '{"bytesValue":"AA="}',
    '{"arrayValue":[]}',
    '{"arrayValue":{"values":{}}}',
    '{"kvlistValue":{"values":[{"key":1}]}}',
    '5',
    '"x"',
    '[]',
  ])('value %s', (text) => {
    expect(() => valueOf(text)).toThrow(Refusal);
  });

  it.each([
    '',
    '[]',
    '""',
    '1234',
    'true',
    '{',
    '{"resourceSpans":{}}',
    '{"resourceSpans":"x"}',
    '{"resourceSpans":[],}',
    "{'resourceSpans':[]}",
    '{"x":NaN}',
    '{"x":"\u0001"}',
    '{}garbage',
    '{}{}',
    '{}\n{}',
    '\uFEFF{}',
    '{"resourceSpans":[5]}',
    '{"resourceSpans":[{"resource":[]}]}',
  ])('document %j', (text) => {
    expect(() => read(text)).toThrow(Refusal);
  });

  it('UTF-16', () => {
    expect(() => reader.read(Buffer.from('{}', 'utf16le'))).toThrow(Refusal);
  });

  it('an error names the field, what was expected and what came', () => {
    expect(() => read(withField('"kind":"SERVER"'))).toThrow(
      'json: Span.kind: expected a number or one of SPAN_KIND_UNSPECIFIED, SPAN_KIND_INTERNAL, SPAN_KIND_SERVER, ' +
        'SPAN_KIND_CLIENT, SPAN_KIND_PRODUCER, SPAN_KIND_CONSUMER, got "SERVER"',
    );
  });
});

describe('depth', () => {
  const nested = (depth: number): string => `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`;

  it('values nested reasonably deep are kept', () => {
    expect(JSON.stringify(valueOf(nested(40)))).toContain('array_value');
  });

  it('values nested 4,000 deep are refused', () => {
    expect(() => valueOf(nested(4000))).toThrow(/nested deeper/);
  });

  it('unknown keys nested 9,000 deep are passed over, or refused where every digit counts', () => {
    const deep = `${'['.repeat(9000)}${']'.repeat(9000)}`;
    expect(spanWith(`"unknown":${deep},"name":"x"`)['name']).toBe('x');
    expect(() => spanWith(`"unknown":${deep},"startTimeUnixNano":1544712660000000001`)).toThrow(Refusal);
  });

  it.each([
    ['arrays', '['.repeat(10_001)],
    ['arrays that end', `${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}`],
    ['objects', '{"":'.repeat(300_000)],
    ['both, with brackets in texts', '[{"]]}}\\\"]]}}":'.repeat(100_000)],
  ])('%s deeper than the Collector goes are refused before they are parsed', (_kind, text) => {
    const before = process.memoryUsage().rss;
    expect(() => read(text)).toThrow(/exceeded max depth of 10000/);
    expect(() => read(`{"unknown":${text}`)).toThrow(/exceeded max depth of 10000/);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('many arrays side by side, and brackets in texts, are not deep', () => {
    const wide = `[${'[{}],'.repeat(20_000)}"${'['.repeat(20_000)}","\\\\\\"${'{'.repeat(20_000)}"]`;
    expect(spanWith(`"unknown":${wide},"name":"x"`)['name']).toBe('x');
  });

  it('a refused request leaves no trace in the next', () => {
    expect(() => valueOf(nested(500))).toThrow(Refusal);
    expect(spanWith('"name":"x"')['name']).toBe('x');
    expect(() => read('{"resourceSpans":[{"scopeSpans":[{"spans":[{"parentSpanId":"zz"}]}]}]}')).toThrow(Refusal);
    expect(spanWith('"name":"y"')['name']).toBe('y');
  });
});
