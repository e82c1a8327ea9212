/**
 * Random export requests as bytes, legal but seldom as an exporter would write them: fields in any order and repeated,
 * padded varints, unknown fields and groups, odd attribute values. Deterministic by seed.
 */
import protobuf from 'protobufjs';
import { traceRoot } from './trace-proto.ts';

const KEYS = [
  'op',
  'op',
  'sentry.op',
  'step.name',
  'http.route',
  'workflow.name',
  'o',
  'steq.name',
  '',
  'awaitly.step.name',
];
const TEXTS = ['workflow', 'step', 'workflow.step', 'charge', '', 'é', 'x'.repeat(200)];
/** Repeated children of a message, at most; nested ones fewer, so that damage hits the frame and not only texts. */
const MAX_REPEATS = 3;
const MAX_NESTED_REPEATS = 1;
const wireTypes: Readonly<Record<string, number>> = protobuf.types.basic;

export class RequestGenerator {
  #state: number;
  readonly #root = traceRoot();
  /** How often, of 10, something unusual is written. */
  readonly #oddity: number;

  /** Frames still to be written wrong. */
  #wrongFrames = 0;

  constructor(seed: number, oddity: number) {
    this.#state = seed >>> 0;
    this.#oddity = oddity;
  }

  request(): Buffer {
    return this.#message('ExportTraceServiceRequest', 0);
  }

  /** A request in which usually one length is off by one, an id too short or a varint too long. */
  misframed(): Buffer {
    this.#wrongFrames = 1;
    return this.request();
  }

  /** The trace ids that are used, so that some can be watched. */
  traceIds(): string[] {
    return [1, 2, 3].map((byte) => Buffer.alloc(16, byte).toString('latin1'));
  }

  /** The bytes with some of them changed, removed or added. */
  mutated(bytes: Buffer): Buffer {
    const copy = [...bytes];
    for (let i = this.#below(3); i >= 0; i--) {
      const at = this.#below(copy.length + 1);
      const kind = this.#below(4);
      if (kind === 0) copy.splice(at, 1 + this.#below(3));
      else if (kind === 1) copy.splice(at, 0, this.#below(256));
      else if (kind === 2 && copy.length > 0) copy.length = at;
      else if (at < copy.length) copy[at] = this.#below(2) === 0 ? this.#below(256) : copy[at]! ^ (1 << this.#below(8));
    }
    return Buffer.from(copy);
  }

  /** A whole number from 0 up to but not including `n` (mulberry32). */
  #below(n: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  #odd(): boolean {
    return this.#below(10) < this.#oddity;
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  #message(name: string, depth: number): Buffer {
    const parts: Buffer[] = [];
    const repeats = depth < 4 ? MAX_REPEATS : MAX_NESTED_REPEATS;
    // Usually one member of the oneof, and a text as often as not.
    if (name === 'AnyValue' && !this.#odd()) {
      const fields = this.#root.lookupType(name).fieldsArray;
      return this.#field(name, this.#below(2) === 0 ? fields[0]! : this.#pick(fields), depth);
    }
    for (const field of this.#root.lookupType(name).fieldsArray) {
      if (field.name === 'deprecated' && this.#below(4) > 0) continue;
      const present = field.repeated ? this.#below(repeats + 1) : this.#below(4) > 0 ? 1 : 0;
      const times = !field.repeated && present === 1 && this.#odd() ? 2 : present;
      for (let i = 0; i < times; i++) parts.push(this.#field(name, field, depth));
    }
    if (this.#odd()) parts.push(this.#unknown(this.#pick([17, 40, 999, 5000, 536_870_900]), 0));
    if (this.#odd()) this.#shuffle(parts);
    return Buffer.concat(parts);
  }

  #field(message: string, field: protobuf.Field, depth: number): Buffer {
    const basic = wireTypes[field.type];
    if (basic === undefined) {
      const tooDeep = depth > 7 && (field.type === 'ArrayValue' || field.type === 'KeyValueList');
      return this.#delimited(field.id, tooDeep ? Buffer.alloc(0) : this.#message(field.type, depth + 1));
    }
    if (basic === 2) return this.#delimited(field.id, this.#content(message, field));
    const tag = this.#varint(BigInt((field.id << 3) | basic));
    if (basic === 0) return Buffer.concat([tag, this.#varint(this.#number())]);
    const fixed = Buffer.alloc(basic === 1 ? 8 : 4);
    if (field.name === 'flags') fixed.writeUInt32LE(this.#pick([0, 0x1, 0x100, 0x200, 0x300, 0x301, 0xffff_ffff]));
    else fixed.fill(this.#below(256));
    return Buffer.concat([tag, fixed]);
  }

  #content(message: string, field: protobuf.Field): Buffer {
    const length = { trace_id: 16, span_id: 8, parent_span_id: 8 }[field.name];
    if (length !== undefined) {
      if (field.name === 'parent_span_id' ? this.#below(2) === 0 : this.#odd()) {
        return this.#pick([Buffer.alloc(0), Buffer.alloc(length), Buffer.from([...Buffer.alloc(length - 1), 1])]);
      }
      return Buffer.alloc(length, this.#pick([1, 2, 3]));
    }
    if (message === 'AnyValue' && this.#below(2) === 0) return Buffer.from(this.#pick(TEXTS.slice(0, 3)));
    if (message === 'KeyValue') return Buffer.from(this.#pick(KEYS));
    return this.#odd() ? Buffer.from([0xff, 0xc0, this.#below(256)]) : Buffer.from(this.#pick(TEXTS));
  }

  #number(): bigint {
    return this.#pick([0n, 1n, 2n, 2n, 3n, 127n, 128n, 300n, 0xffff_ffffn, 0x1_0000_0002n, 0xffff_ffff_ffff_ffffn]);
  }

  #delimited(number: number, content: Buffer): Buffer {
    const tag = this.#varint(BigInt(number) * 8n + 2n);
    const wrong = this.#goesWrong() ? this.#pick([-1, 1, 2]) : 0;
    if (wrong === 2) return this.#delimited(number, content.subarray(1));
    const length = Math.max(0, content.length + wrong);
    return Buffer.concat([tag, this.#varint(BigInt(length)), content]);
  }

  #goesWrong(): boolean {
    if (this.#wrongFrames === 0 || this.#below(30) > 0) return false;
    this.#wrongFrames--;
    return true;
  }

  /** A varint, now and then of more bytes than it needs. */
  #varint(value: bigint): Buffer {
    const bytes: number[] = [];
    let rest = value;
    do {
      bytes.push(Number(rest & 127n));
      rest >>= 7n;
    } while (rest > 0n);
    if (this.#below(4) === 0 && this.#odd()) while (bytes.length < 10 && this.#below(2) === 0) bytes.push(0);
    if (this.#goesWrong()) while (bytes.length < 11) bytes.push(0);
    return Buffer.from(bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte)));
  }

  #unknown(number: number, depth: number): Buffer {
    const wire = this.#pick([0, 1, 2, 3, 5]);
    const tag = this.#varint(BigInt(number) * 8n + BigInt(wire));
    if (wire === 0) return Buffer.concat([tag, this.#varint(this.#number())]);
    if (wire === 1) return Buffer.concat([tag, Buffer.alloc(8, 1)]);
    if (wire === 2) return this.#delimited(number, Buffer.from(this.#pick(TEXTS)));
    if (wire === 5) return Buffer.concat([tag, Buffer.alloc(4, 1)]);
    const inner = depth < 4 && this.#below(2) === 0 ? this.#unknown(number + depth, depth + 1) : Buffer.alloc(0);
    return Buffer.concat([tag, inner, this.#varint(BigInt(number) * 8n + 4n)]);
  }

  #shuffle(parts: Buffer[]): void {
    for (let i = parts.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      [parts[i], parts[j]] = [parts[j]!, parts[i]!];
    }
  }
}
