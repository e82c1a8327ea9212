/** The encoder against a plain decoder of RowBinary with BigInt, written for this test. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastDateTime64Us, RepeatedColumn, RowSink } from '../../../exporter/clickhouse/row-sink.ts';
import type { SpanRecord } from '../../../schema/rows.ts';

/** The bytes of one row, written into the smallest buffer there is; it follows another one, as most do. */
function encoded(write: (sink: RowSink, at: number) => number): Buffer {
  const sink = new RowSink(4);
  sink.end(sink.raw(sink.begin(), before));
  sink.end(write(sink, sink.begin()));
  return sink.take().subarray(before.length);
}
const before = Buffer.alloc(1_000, 0x5a);

/** LEB128 length, then the bytes. */
function decodeString(bytes: Buffer): string {
  let length = 0n;
  let position = 0;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[position++]!;
    length |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  expect(BigInt(bytes.length - position)).toBe(length);
  return bytes.subarray(position).toString('utf8');
}

describe('numbers', () => {
  test('UInt64 below 2^53', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        (value) => encoded((sink, at) => sink.uint64(at, value)).readBigUInt64LE() === BigInt(value),
      ),
    );
  });

  test('DateTime64(9) from µs and ns', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.integer({ min: 0, max: 999 }),
        (us, ns) =>
          encoded((sink, at) => sink.nanos(at, { us, ns })).readBigInt64LE() === BigInt(us) * 1_000n + BigInt(ns),
      ),
    );
    expect(encoded((sink, at) => sink.nanos(at, { us: Number.MAX_SAFE_INTEGER, ns: 999 })).readBigInt64LE()).toBe(
      BigInt(Number.MAX_SAFE_INTEGER) * 1_000n + 999n,
    );
    expect(encoded((sink, at) => sink.nanos(at, { us: -1, ns: 999 })).readBigInt64LE()).toBe(0n);
  });

  test('DateTime64(3) from µs, rounded down, clamped', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        (us) => encoded((sink, at) => sink.millis(at, us)).readBigInt64LE() === BigInt(us) / 1_000n,
      ),
    );
    expect(encoded((sink, at) => sink.millis(at, -1)).readBigInt64LE()).toBe(0n);
    expect(encoded((sink, at) => sink.millis(at, lastDateTime64Us + 5e6)).readBigInt64LE()).toBe(
      BigInt(Date.UTC(2299, 11, 31, 23, 59, 59, 999)),
    );
  });

  test('a 64-bit value of two words', () => {
    expect(encoded((sink, at) => sink.words(at, 0xffff_ffff, 0x8000_0000)).readBigUInt64LE()).toBe(
      0xffff_ffff_8000_0000n,
    );
  });

  test('Nullable: a byte that says NULL, or that and the value', () => {
    expect(encoded((sink, at) => sink.nullableUint64(at, null))).toEqual(Buffer.from([1]));
    expect(encoded((sink, at) => sink.nullableUint64(at, 0))).toEqual(Buffer.alloc(9));
    expect(encoded((sink, at) => sink.nullableMillis(at, null))).toEqual(Buffer.from([1]));
    expect(encoded((sink, at) => sink.nullableMillis(at, { us: 1_000, ns: 0 }))).toEqual(
      Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0]),
    );
  });
});

describe('strings', () => {
  test('any text of any length', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        (text) => decodeString(encoded((sink, at) => sink.string(at, text))) === text,
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 300 }),
        (text) => decodeString(encoded((sink, at) => sink.string(at, text))) === text,
      ),
    );
  });

  test.for([0, 1, 13, 14, 15, 42, 43, 63, 64, 126, 127, 128, 129, 16_383, 16_384])(
    '%i characters of one, two, three and four bytes',
    (length) => {
      for (const unit of ['a', 'ü', '€', '\u{1F600}']) {
        const text = unit.repeat(length);
        expect(decodeString(encoded((sink, at) => sink.string(at, text)))).toBe(text);
        expect(decodeString(encoded((sink, at) => sink.string(at, `a${text}`)))).toBe(`a${text}`);
      }
    },
  );

  test('half a surrogate pair becomes the replacement character', () => {
    expect(decodeString(encoded((sink, at) => sink.string(at, 'a\ud83d')))).toBe('a\ufffd');
    expect(decodeString(encoded((sink, at) => sink.string(at, '\ude00'.repeat(60))))).toBe('\ufffd'.repeat(60));
  });

  test('of a repeated column: the same bytes whatever its last text was, of any length', () => {
    const texts = fc.oneof(fc.constantFrom('', 'a', 'ü'.repeat(64), 'x'.repeat(5_000)), fc.string({ maxLength: 300 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(8), texts), { maxLength: 40 }), (columns) => {
        const repeated = encoded((sink, at) => columns.reduce((end, each) => sink.repeated(end, ...each), at));
        const plain = encoded((sink, at) => columns.reduce((end, [, text]) => sink.string(end, text), at));
        expect(repeated).toEqual(plain);
      }),
    );
  });
});

describe('ids', () => {
  const spanId = Buffer.from('00ff80a90d0a5c22', 'hex').toString('latin1');
  const traceId = Buffer.from('fffefdfcfbfaf9f880818283848586ff', 'hex').toString('latin1');

  test('in lower-case hex, empty when absent, refused when of another length', () => {
    expect(decodeString(encoded((sink, at) => sink.spanHex(at, spanId)))).toBe('00ff80a90d0a5c22');
    expect(decodeString(encoded((sink, at) => sink.traceHex(at, traceId)))).toBe('fffefdfcfbfaf9f880818283848586ff');
    expect(decodeString(encoded((sink, at) => sink.spanHex(at, '')))).toBe('');
    expect(decodeString(encoded((sink, at) => sink.traceHex(at, '')))).toBe('');
    expect(() => encoded((sink, at) => sink.spanHex(at, '123'))).toThrow('an id has 3 bytes, expected 8');
    expect(() => encoded((sink, at) => sink.traceHex(at, spanId))).toThrow('an id has 8 bytes, expected 16');
  });

  test('of spans: column by column, zeros when absent, repeated or not', () => {
    const span: SpanRecord = {
      traceId,
      spanId,
      parentSpanId: '',
      hashHigh: 0xffff_fffe,
      hashLow: 1,
      start: { us: 1, ns: 2 },
      end: { us: 3, ns: 4 },
      status: 2,
      details: '{}',
    };
    const other = { ...span, traceId: '', spanId: spanId.split('').toReversed().join(''), parentSpanId: spanId };
    const bytes = encoded((sink, at) => sink.spans(at, [span, span, other]));
    expect(bytes.toString('hex')).toBe(
      [
        `03${Buffer.from(traceId + traceId, 'latin1').toString('hex')}${'00'.repeat(16)}`,
        '0300ff80a90d0a5c2200ff80a90d0a5c22225c0a0da980ff00',
        `03${'00'.repeat(16)}00ff80a90d0a5c22`,
        `03${'01000000feffffff'.repeat(3)}`,
        `03${'ea03000000000000'.repeat(3)}`,
        `03${'bc0b000000000000'.repeat(3)}`,
        '03020202',
        '03027b7d027b7d027b7d',
      ].join(''),
    );
    const wrong = { ...span, parentSpanId: '123' };
    expect(() => encoded((sink, at) => sink.spans(at, [wrong]))).toThrow('an id has 3 bytes, expected 8');
    expect(encoded((sink, at) => sink.spans(at, []))).toEqual(Buffer.alloc(8));
  });

  test('of more spans than there is room for', () => {
    const details = 'd'.repeat(14);
    const time = { us: 1, ns: 0 };
    const span = { traceId, spanId, parentSpanId: spanId, hashHigh: 0, hashLow: 0, start: time, end: time, status: 0 };
    const bytes = encoded((sink, at) =>
      sink.spans(
        at,
        Array.from({ length: 5_000 }, () => ({ ...span, details })),
      ),
    );
    expect(bytes).toHaveLength(8 * 2 + 5_000 * (57 + 15));
    expect(bytes.subarray(-15).toString('latin1')).toBe(`\x0e${details}`);
  });
});

describe('what neighbouring rows share', () => {
  const traceId = '0123456789abcdef';
  const key = { openedDay: 20_000, environment: 'prod', process: 'p', runId: 'r'.repeat(49) };

  test.for([49, 127, 128, 300, 5_000])(
    'a repeated key of %i characters is the same bytes as the first time',
    (length) => {
      const long = { ...key, runId: 'r'.repeat(length) };
      const once = encoded((sink, at) => sink.runKey(at, long));
      const twice = encoded((sink, at) => sink.runKey(sink.runKey(at, long), { ...long }));
      expect(twice).toEqual(Buffer.concat([once, once]));
    },
  );

  test('so is a repeated trace id', () => {
    const once = encoded((sink, at) => sink.traceHex(at, traceId));
    const twice = encoded((sink, at) => sink.traceHex(sink.traceHex(at, traceId), traceId));
    expect(twice).toEqual(Buffer.concat([once, once]));
  });

  test.for([{ openedDay: 20_001 }, { environment: 'test' }, { process: 'q' }, { runId: 'other' }])(
    'a key that differs in %j is not repeated',
    (over) => {
      const other = { ...key, ...over };
      const both = encoded((sink, at) => sink.runKey(sink.runKey(at, key), other));
      const each = [key, other].map((one) => encoded((sink, at) => sink.runKey(at, one)));
      expect(both).toEqual(Buffer.concat(each));
    },
  );

  test('nothing is repeated from a buffer that was handed over, or from a row that was not ended', () => {
    const sink = new RowSink(8);
    const write = (): number =>
      sink.repeated(sink.traceHex(sink.runKey(sink.begin(), key), traceId), RepeatedColumn.WRITER, 'writer');
    sink.end(write());
    const first = sink.take();
    sink.end(write());
    expect(sink.take()).toEqual(first);
    write();
    sink.forget();
    sink.end(write());
    expect(sink.take()).toEqual(first);
  });
});
