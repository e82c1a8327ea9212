/**
 * Events off the heap: one cell of 128 bytes each, in chunks of 1 MiB, reused when freed.
 * As objects a million open runs cost 1 KB of heap a span and full collections of a second; here the collector sees
 * a few large buffers. Owns the cells and their layout; which cells make up a group is trace-group.ts.
 *
 *   words  0 flags, attempt   1–4 trace   5–6 span   7–8 parent   9–10 hash   11–12 start   13–14 end
 *          15–16 received   17 resource   18–19 enqueued   20–25 eleven names, two bytes each   26 run id   27–31 spare
 *
 * Names repeat and are stored by number; error messages, and names beyond the numbers, are kept beside the cells.
 */
import type { OutcomeValue } from '../../schema/dialect.ts';
import type { Micros } from '../../schema/journal-record.ts';
import type { Instant } from '../../schema/rows.ts';
import type { Event, EventRole } from '../event.ts';
import { NameNumbers } from './name-numbers.ts';

const CELL_WORDS = 32;
const CELL_BYTES = CELL_WORDS * 4;
const CHUNK_CELLS = 8192;

const TRACE = 1;
const SPAN = 5;
const PARENT = 7;
const HASH = 9;
const START = 11;
const END = 13;
const RECEIVED = 15;
const RESOURCE = 17;
const ENQUEUED = 18;
const NAMES = 20;
const RUN_ID = 26;

/** Bits of the flags word: role 0–1, status 2–3, then these, the outcome in 8–10, the attempt from 11 on. */
const HAS_PARENT = 1 << 4;
const REMOTE_PARENT = 1 << 5;
const SAMPLED = 1 << 6;
const UNSET_IS_SUCCESS = 1 << 7;
const OUTCOME_SHIFT = 8;
const ATTEMPT_SHIFT = 11;

const OUTCOMES: readonly (OutcomeValue | '')[] = ['', 'success', 'failure', 'cancelled', 'skipped', 'suspended'];
const NAME_FIELDS = [
  'name',
  'process',
  'stepName',
  'stepKey',
  'verb',
  'environment',
  'service',
  'serviceVersion',
  'dialect',
  'trigger',
  'errorType',
] as const satisfies readonly (keyof Event)[];

/** High word of an instant: 21 bits of µs, then the ns. */
const NS_SHIFT = 21;
const TWO_32 = 0x1_0000_0000;

interface Chunk {
  readonly words: Uint32Array;
  readonly bytes: Buffer;
}

/** What a cell has no room for. */
interface Beside {
  readonly errorMessage: string;
  /** By place in NAME_FIELDS. */
  readonly names: ReadonlyMap<number, string>;
}

export class EventSlab {
  readonly #chunks: Chunk[] = [];
  readonly #free: number[] = [];
  readonly #names = new NameNumbers();
  readonly #beside = new Map<number, Beside>();
  #next = 0;

  /** @param runId number of the event's run id in its group, from 1; 0 = it carries none */
  add(event: Event, runId: number): number {
    const cell = this.#free.pop() ?? this.#grow();
    this.write(cell, event, runId);
    return cell;
  }

  free(cell: number): void {
    this.#beside.delete(cell);
    this.#free.push(cell);
  }

  write(cell: number, event: Event, runId: number): void {
    const { words, bytes } = this.#chunks[Math.floor(cell / CHUNK_CELLS)]!;
    const base = (cell % CHUNK_CELLS) * CELL_WORDS;
    words[base] = flagsOf(event);
    writeId(bytes, (base + TRACE) * 4, event.traceId);
    writeId(bytes, (base + SPAN) * 4, event.spanId);
    if (event.parentSpanId !== '') writeId(bytes, (base + PARENT) * 4, event.parentSpanId);
    words[base + HASH] = event.hashHigh;
    words[base + HASH + 1] = event.hashLow;
    writeInstant(words, base + START, event.start);
    writeInstant(words, base + END, event.end);
    writeMicros(words, base + RECEIVED, event.received, 0);
    words[base + RESOURCE] = event.resource;
    if (event.enqueuedAt === null) words[base + ENQUEUED] = words[base + ENQUEUED + 1] = 0;
    else writeInstant(words, base + ENQUEUED, event.enqueuedAt);
    words[base + RUN_ID] = runId;
    this.#writeNames(cell, words, base, event);
  }

  /** @param runIds the run ids of the cell's group */
  read(cell: number, runIds: readonly string[]): Event {
    const { words, bytes } = this.#chunks[Math.floor(cell / CHUNK_CELLS)]!;
    const base = (cell % CHUNK_CELLS) * CELL_WORDS;
    const flags = words[base]!;
    const beside = this.#beside.get(cell);
    const runId = words[base + RUN_ID]!;
    const name = (place: number): string =>
      this.#names.text((words[base + NAMES + (place >>> 1)]! >>> ((place & 1) * 16)) & 0xffff) ??
      beside!.names.get(place)!;
    return {
      role: (flags & 3) as EventRole,
      dialect: name(8),
      unsetIsSuccess: (flags & UNSET_IS_SUCCESS) !== 0,
      traceId: readId(bytes, (base + TRACE) * 4, 16),
      spanId: readId(bytes, (base + SPAN) * 4, 8),
      parentSpanId: (flags & HAS_PARENT) === 0 ? '' : readId(bytes, (base + PARENT) * 4, 8),
      remoteParent: (flags & REMOTE_PARENT) !== 0,
      start: readInstant(words, base + START),
      end: readInstant(words, base + END),
      status: (flags >>> 2) & 3,
      name: name(0),
      process: name(1),
      runId: runId === 0 ? '' : runIds[runId - 1]!,
      stepName: name(2),
      stepKey: name(3),
      verb: name(4),
      attempt: flags >>> ATTEMPT_SHIFT,
      environment: name(5),
      service: name(6),
      serviceVersion: name(7),
      resource: words[base + RESOURCE]! | 0,
      outcome: OUTCOMES[(flags >>> OUTCOME_SHIFT) & 7]!,
      trigger: name(9),
      enqueuedAt: readOptionalInstant(words, base + ENQUEUED),
      errorType: name(10),
      errorMessage: beside?.errorMessage ?? '',
      sampled: (flags & SAMPLED) !== 0,
      hashHigh: words[base + HASH]!,
      hashLow: words[base + HASH + 1]!,
      received: readMicros(words, base + RECEIVED),
    };
  }

  /** Whether the cell holds that span of that trace. */
  isSpan(cell: number, event: Event): boolean {
    const { bytes } = this.#chunks[Math.floor(cell / CHUNK_CELLS)]!;
    const base = (cell % CHUNK_CELLS) * CELL_BYTES;
    return hasId(bytes, base + SPAN * 4, event.spanId) && hasId(bytes, base + TRACE * 4, event.traceId);
  }

  setReceived(cell: number, received: Micros): void {
    const { words } = this.#chunks[Math.floor(cell / CHUNK_CELLS)]!;
    writeMicros(words, (cell % CHUNK_CELLS) * CELL_WORDS + RECEIVED, received, 0);
  }

  #writeNames(cell: number, words: Uint32Array, base: number, event: Event): void {
    let beyond: Map<number, string> | undefined;
    for (let place = 0; place < NAME_FIELDS.length; place += 2) {
      let pair = 0;
      for (let half = 0; half < 2 && place + half < NAME_FIELDS.length; half++) {
        const text = event[NAME_FIELDS[place + half]!];
        const number = this.#names.number(text);
        if (number === undefined) (beyond ??= new Map()).set(place + half, text);
        pair |= (number ?? NameNumbers.NONE) << (half * 16);
      }
      words[base + NAMES + (place >>> 1)] = pair;
    }
    if (event.errorMessage === '' && beyond === undefined) this.#beside.delete(cell);
    else this.#beside.set(cell, { errorMessage: event.errorMessage, names: beyond ?? new Map() });
  }

  #grow(): number {
    if (this.#next === this.#chunks.length * CHUNK_CELLS) {
      const memory = new ArrayBuffer(CHUNK_CELLS * CELL_BYTES);
      this.#chunks.push({ words: new Uint32Array(memory), bytes: Buffer.from(memory) });
    }
    return this.#next++;
  }
}

function flagsOf(event: Event): number {
  let flags = event.role | (event.status << 2) | (event.attempt << ATTEMPT_SHIFT);
  if (event.parentSpanId !== '') flags |= HAS_PARENT;
  if (event.remoteParent) flags |= REMOTE_PARENT;
  if (event.sampled) flags |= SAMPLED;
  if (event.unsetIsSuccess) flags |= UNSET_IS_SUCCESS;
  return flags | (OUTCOMES.indexOf(event.outcome) << OUTCOME_SHIFT);
}

function writeId(bytes: Buffer, at: number, id: string): void {
  for (let i = 0; i < id.length; i++) bytes[at + i] = id.charCodeAt(i);
}

function readId(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('latin1', at, at + length);
}

function hasId(bytes: Buffer, at: number, id: string): boolean {
  for (let i = 0; i < id.length; i++) if (bytes[at + i] !== id.charCodeAt(i)) return false;
  return true;
}

function writeInstant(words: Uint32Array, at: number, instant: Instant): void {
  writeMicros(words, at, instant.us, instant.ns);
}

function writeMicros(words: Uint32Array, at: number, us: Micros, ns: number): void {
  words[at] = us % TWO_32;
  words[at + 1] = Math.floor(us / TWO_32) | (ns << NS_SHIFT);
}

function readMicros(words: Uint32Array, at: number): Micros {
  return (words[at + 1]! & 0x1f_ffff) * TWO_32 + words[at]!;
}

function readInstant(words: Uint32Array, at: number): Instant {
  return { us: readMicros(words, at), ns: words[at + 1]! >>> NS_SHIFT };
}

function readOptionalInstant(words: Uint32Array, at: number): Instant | null {
  return words[at] === 0 && words[at + 1] === 0 ? null : readInstant(words, at);
}
