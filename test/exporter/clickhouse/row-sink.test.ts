/** The encoder against a plain decoder of RowBinary with BigInt, written for this test. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastDateTime64Us, RowSink } from '../../../exporter/clickhouse/row-sink.ts';

function encoded(write: (sink: RowSink) => void, initialBytes = 4): Buffer {
  const sink = new RowSink(initialBytes);
  write(sink);
  return sink.take();
}

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
        (value) => encoded((sink) => sink.uint64(value)).readBigUInt64LE() === BigInt(value),
      ),
    );
  });

  test('DateTime64(9) from µs and ns', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.integer({ min: 0, max: 999 }),
        (us, ns) => encoded((sink) => sink.nanos({ us, ns })).readBigInt64LE() === BigInt(us) * 1_000n + BigInt(ns),
      ),
    );
    expect(encoded((sink) => sink.nanos({ us: Number.MAX_SAFE_INTEGER, ns: 999 })).readBigInt64LE()).toBe(
      BigInt(Number.MAX_SAFE_INTEGER) * 1_000n + 999n,
    );
    expect(encoded((sink) => sink.nanos({ us: -1, ns: 999 })).readBigInt64LE()).toBe(0n);
  });

  test('DateTime64(3) from µs, rounded down, clamped', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (us) => encoded((sink) => sink.millis(us)).readBigInt64LE() === BigInt(us) / 1_000n),
    );
    expect(encoded((sink) => sink.millis(-1)).readBigInt64LE()).toBe(0n);
    expect(encoded((sink) => sink.millis(lastDateTime64Us + 5e6)).readBigInt64LE()).toBe(
      BigInt(Date.UTC(2299, 11, 31, 23, 59, 59, 999)),
    );
  });

  test('a 64-bit value of two words', () => {
    expect(encoded((sink) => sink.words(0xffff_ffff, 0x8000_0000)).readBigUInt64LE()).toBe(0xffff_ffff_8000_0000n);
  });

  test('Nullable: a byte that says NULL, or that and the value', () => {
    expect(encoded((sink) => sink.nullableUint64(null))).toEqual(Buffer.from([1]));
    expect(encoded((sink) => sink.nullableUint64(0))).toEqual(Buffer.alloc(9));
    expect(encoded((sink) => sink.nullableMillis(null))).toEqual(Buffer.from([1]));
    expect(encoded((sink) => sink.nullableMillis({ us: 1_000, ns: 0 }))).toEqual(
      Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0]),
    );
  });
});

describe('strings', () => {
  test('any text of any length', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        (text) => decodeString(encoded((sink) => sink.string(text))) === text,
      ),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary-ascii', maxLength: 300 }),
        (text) => decodeString(encoded((sink) => sink.string(text))) === text,
      ),
    );
  });

  test.for([0, 1, 13, 14, 15, 42, 43, 63, 64, 126, 127, 128, 129, 16_383, 16_384])(
    '%i characters of one, two, three and four bytes',
    (length) => {
      for (const unit of ['a', 'ü', '€', '\u{1F600}']) {
        const text = unit.repeat(length);
        expect(decodeString(encoded((sink) => sink.string(text)))).toBe(text);
        expect(decodeString(encoded((sink) => sink.string(`a${text}`)))).toBe(`a${text}`);
      }
    },
  );

  test('half a surrogate pair becomes the replacement character', () => {
    expect(decodeString(encoded((sink) => sink.string('a\ud83d')))).toBe('a\ufffd');
    expect(decodeString(encoded((sink) => sink.string('\ude00'.repeat(60))))).toBe('\ufffd'.repeat(60));
  });

  test('ids: raw of their length, zeros when absent, refused otherwise; hex in lower case', () => {
    const id = Buffer.from('00ff80a90d0a5c22', 'hex').toString('latin1');
    expect(encoded((sink) => sink.fixed(id, 8)).toString('hex')).toBe('00ff80a90d0a5c22');
    expect(encoded((sink) => sink.fixed(id + id, 16)).toString('hex')).toBe('00ff80a90d0a5c2200ff80a90d0a5c22');
    expect(encoded((sink) => sink.fixed('', 16))).toEqual(Buffer.alloc(16));
    expect(() => encoded((sink) => sink.fixed('123', 8))).toThrow('an id has 3 bytes, expected 8');
    expect(decodeString(encoded((sink) => sink.hex(id)))).toBe('00ff80a90d0a5c22');
    expect(() => encoded((sink) => sink.hex('x'.repeat(64)))).toThrow('an id has 64 bytes, expected at most 63');
  });
});

describe('what neighbouring rows share', () => {
  const key = { openedDay: 20_000, environment: 'prod', process: 'p', runId: 'r'.repeat(49) };

  test('a repeated key and trace id are the same bytes as the first time', () => {
    const once = encoded((sink) => sink.runKey(key));
    const twice = encoded((sink) => {
      sink.runKey(key);
      sink.runKey({ ...key });
    });
    expect(twice).toEqual(Buffer.concat([once, once]));
    const trace = encoded((sink) => sink.traceHex('0123456789abcdef'));
    expect(encoded((sink) => [sink.traceHex('0123456789abcdef'), sink.traceHex('0123456789abcdef')])).toEqual(
      Buffer.concat([trace, trace]),
    );
  });

  test.for([{ openedDay: 20_001 }, { environment: 'test' }, { process: 'q' }, { runId: 'other' }])(
    'a key that differs in %j is not repeated',
    (over) => {
      const other = { ...key, ...over };
      const both = encoded((sink) => [sink.runKey(key), sink.runKey(other)]);
      expect(both).toEqual(Buffer.concat([encoded((sink) => sink.runKey(key)), encoded((sink) => sink.runKey(other))]));
    },
  );

  test('nothing is repeated from a buffer that was handed over or rewound', () => {
    const sink = new RowSink(8);
    sink.runKey(key);
    sink.traceHex('0123456789abcdef');
    const first = sink.take();
    sink.runKey(key);
    sink.traceHex('0123456789abcdef');
    expect(sink.take()).toEqual(first);
    sink.runKey(key);
    sink.rewind(0);
    sink.runKey(key);
    sink.traceHex('0123456789abcdef');
    expect(sink.take()).toEqual(first);
  });
});
