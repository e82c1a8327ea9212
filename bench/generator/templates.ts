/**
 * One cycle of serialised requests, and the rewriting of their ids and times for any request of the workload.
 * A request's bytes are copied into the sender's own buffer and patched there: about 0.2 µs a span.
 */
import { encodeJson } from './encode-json.ts';
import { encodeProtobuf } from './encode-protobuf.ts';
import type { Patchable } from './patchable.ts';
import { mix32 } from './random.ts';
import { type RequestContent, requestContent } from './request-content.ts';
import { plainSpansPerTrace, type Times, type Workload } from './workload.ts';

export type Encoding = 'protobuf' | 'json';

interface Template {
  readonly content: RequestContent;
  readonly patchable: Patchable;
}

/** Ids as unsigned 32-bit words, times in µs: what goes into the open places of one span. */
interface Filling {
  readonly trace: readonly number[];
  readonly span: readonly number[];
  readonly parent: readonly number[];
  readonly times: Times;
}

export class Templates {
  readonly #workload: Workload;
  readonly #encoding: Encoding;
  readonly #templates: readonly Template[];

  constructor(workload: Workload, encoding: Encoding) {
    this.#workload = workload;
    this.#encoding = encoding;
    const encode = encoding === 'json' ? encodeJson : encodeProtobuf;
    this.#templates = Array.from({ length: workload.requestsPerCycle }, (_, request) => {
      const content = requestContent(workload, request);
      return { content, patchable: encode(content) };
    });
  }

  /** Length of the longest request in bytes: the room that `write` needs. */
  maxBytes(): number {
    return Math.max(...this.#templates.map((template) => template.patchable.bytes.length));
  }

  /** Writes the body of request `request` (0 … requests - 1) into `into`; returns its length in bytes. */
  write(request: number, into: Buffer): number {
    const cycle = Math.floor(request / this.#workload.requestsPerCycle);
    const { content, patchable } = this.#templates[request % this.#workload.requestsPerCycle]!;
    patchable.bytes.copy(into);
    let place = -1;
    let filling: Filling | undefined;
    for (const patch of patchable.patches) {
      if (patch.place !== place || filling === undefined) {
        place = patch.place;
        filling = this.#filling(content, place, cycle);
      }
      if (patch.kind === 'start' || patch.kind === 'end' || patch.kind === 'event') {
        const timeUs = patch.kind === 'start' ? filling.times.startUs : filling.times.endUs;
        (this.#encoding === 'json' ? putDecimalNanos : putFixedNanos)(into, patch.at, timeUs);
      } else {
        const words =
          patch.kind === 'traceId' ? filling.trace : patch.kind === 'spanId' ? filling.span : filling.parent;
        (this.#encoding === 'json' ? putHex : putBytes)(into, patch.at, words);
      }
    }
    return patchable.bytes.length;
  }

  #filling(content: RequestContent, place: number, cycle: number): Filling {
    const slot = content.slots[place]!;
    const workload = this.#workload;
    if (slot.role === 'plain') return plainFilling(workload, slot.index, cycle);
    const run = cycle * workload.runsPerCycle + slot.index;
    return {
      trace: [0, 1, 2, 3].map((word) => workload.traceWord(run, word)),
      span: [workload.spanWord(run, slot.role, 0), workload.spanWord(run, slot.role, 1)],
      parent: [workload.spanWord(run, 'root', 0), workload.spanWord(run, 'root', 1)],
      times: workload.spanTimes(run, slot.role),
    };
  }
}

function plainFilling(workload: Workload, index: number, cycle: number): Filling {
  const { seed, firstEndUs, spansPerRequest } = workload.options;
  const number = cycle * workload.requestsPerCycle * spansPerRequest + index;
  const trace = mix32(Math.floor(number / plainSpansPerTrace) ^ mix32(seed + 3));
  const span = mix32(number ^ mix32(seed + 4));
  const parent = mix32((number - (number % plainSpansPerTrace)) ^ mix32(seed + 4));
  const startUs = firstEndUs + (number % 1_000_000);
  return {
    trace: [trace, mix32(trace ^ 1), mix32(trace ^ 2), mix32(trace ^ 3)],
    span: [span, mix32(span ^ 1)],
    parent: [parent, mix32(parent ^ 1)],
    times: { startUs, endUs: startUs + 1000 + (span & 0xffff) },
  };
}

function putBytes(into: Buffer, at: number, words: readonly number[]): void {
  for (let i = 0; i < words.length; i++) into.writeUInt32BE(words[i]!, at + i * 4);
}

function putHex(into: Buffer, at: number, words: readonly number[]): void {
  let position = at;
  for (const word of words) {
    for (let shift = 28; shift >= 0; shift -= 4) {
      const digit = (word >>> shift) & 15;
      into[position++] = digit < 10 ? 48 + digit : 87 + digit;
    }
  }
}

/** Nanoseconds as little-endian fixed64, from whole µs without leaving the exact integers. */
function putFixedNanos(into: Buffer, at: number, timeUs: number): void {
  const lowProduct = (timeUs % 4_294_967_296) * 1000;
  const high = Math.floor(timeUs / 4_294_967_296) * 1000 + Math.floor(lowProduct / 4_294_967_296);
  into.writeUInt32LE(lowProduct % 4_294_967_296, at);
  into.writeUInt32LE(high, at + 4);
}

/** Nanoseconds as 19 decimal digits: 16 of µs, then three zeros. */
function putDecimalNanos(into: Buffer, at: number, timeUs: number): void {
  const high = Math.floor(timeUs / 1e8);
  putDigits(into, at, high);
  putDigits(into, at + 8, timeUs - high * 1e8);
  into.fill(48, at + 16, at + 19);
}

/** Eight digits; 32-bit arithmetic, which is four times faster here than that of doubles. */
function putDigits(into: Buffer, at: number, value: number): void {
  let rest = value | 0;
  for (let i = 7; i >= 0; i--) {
    const shorter = (rest / 10) | 0;
    into[at + i] = 48 + rest - shorter * 10;
    rest = shorter;
  }
}
