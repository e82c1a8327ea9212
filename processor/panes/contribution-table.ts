/**
 * The contributions of one pane by run, off the heap: a pane of a busy process holds hundreds of thousands for hours,
 * and as objects the collector would walk them all again and again.
 * Owns the table and the encoding. Runs are told apart by 64 bits of their id's hash.
 *
 *   slots  [hash, hash, offset + 1] …  open addressing; 0 = free, FREED = was taken out
 *   bytes  records one after the other, written once: an overwritten one stays until the pane leaves memory
 */
import type { TerminalState } from '../../schema/state.ts';
import type { Contribution, RunHash, StepContribution } from './contribution.ts';

const WORDS_PER_SLOT = 3;
const FREED = 0xffff_ffff;
const MAX_LOAD = 0.6;

const STATES: readonly TerminalState[] = ['SUCCEEDED', 'FAILED', 'ABANDONED', 'CANCELLED', 'SKIPPED', 'CONTINUED'];
const COMPLETED = 0x08;
const RECOVERED = 0x10;
const LATE = 0x20;
const SAMPLED = 0x40;
const HAS_DURATION = 0x80;
const HAS_QUEUE = 0x100;
const STEP_COUNT_SHIFT = 16;
/** Header word, then duration and queue latency where the run has them. */
const MAX_HEAD_BYTES = 20;
const STEP_BYTES = 24;

/** What a table tells about a run: all of a contribution that adds up. */
export type Counted = Omit<Contribution, keyof RunHash | 'environment' | 'process' | 'endedAt'>;

export class ContributionTable {
  #slots = new Uint32Array(16 * WORDS_PER_SLOT);
  /** Slots that are not free, and those of them that hold a run. */
  #used = 0;
  #live = 0;
  #bytes = new DataView(new ArrayBuffer(4096));
  #end = 0;
  readonly #steps: string[] = [];
  readonly #stepNumbers = new Map<string, number>();

  /** Stores what the run contributes; returns what it contributed before, undefined when that was nothing. */
  put(run: RunHash, contribution: Counted): Counted | undefined {
    if ((this.#used + 1) * WORDS_PER_SLOT > this.#slots.length * MAX_LOAD) this.#grow();
    const at = this.#find(run);
    const known = this.#slots[at + 2]!;
    if (known === 0) {
      this.#used++;
      this.#live++;
      this.#slots[at] = run.runHashHigh;
      this.#slots[at + 1] = run.runHashLow;
    }
    this.#slots[at + 2] = this.#write(contribution) + 1;
    return known === 0 ? undefined : this.#read(known - 1);
  }

  /** Takes out and returns what the run contributed; undefined when it contributed nothing. */
  take(run: RunHash): Counted | undefined {
    const at = this.#find(run);
    const offset = this.#slots[at + 2]!;
    if (offset === 0) return undefined;
    this.#slots[at + 2] = FREED;
    this.#live--;
    return this.#read(offset - 1);
  }

  /** The slot of the run, or the free one where its search ends. */
  #find({ runHashHigh: high, runHashLow: low }: RunHash): number {
    const slots = this.#slots;
    let at = (low % (slots.length / WORDS_PER_SLOT)) * WORDS_PER_SLOT;
    for (;;) {
      const offset = slots[at + 2]!;
      if (offset === 0) return at;
      if (offset !== FREED && slots[at] === high && slots[at + 1] === low) return at;
      at += WORDS_PER_SLOT;
      if (at === slots.length) at = 0;
    }
  }

  /** Rehashes, into twice the room where it is not freed slots that fill the table. */
  #grow(): void {
    const old = this.#slots;
    const isCrowded = this.#live * WORDS_PER_SLOT * 3 > old.length;
    this.#slots = new Uint32Array(isCrowded ? old.length * 2 : old.length);
    this.#used = 0;
    const capacity = this.#slots.length / WORDS_PER_SLOT;
    for (let from = 0; from < old.length; from += WORDS_PER_SLOT) {
      if (old[from + 2] === 0 || old[from + 2] === FREED) continue;
      let at = (old[from + 1]! % capacity) * WORDS_PER_SLOT;
      while (this.#slots[at + 2] !== 0) at = at + WORDS_PER_SLOT === this.#slots.length ? 0 : at + WORDS_PER_SLOT;
      this.#slots.set(old.subarray(from, from + WORDS_PER_SLOT), at);
      this.#used++;
    }
  }

  #write(contribution: Counted): number {
    const { durationUs, queueUs, steps } = contribution;
    const durations = steps.reduce((sum, step) => sum + step.durationsMs.length, 0);
    this.#reserve(MAX_HEAD_BYTES + steps.length * STEP_BYTES + durations * 8);
    const offset = this.#end;
    this.#word(headerOf(contribution));
    if (durationUs !== null) this.#double(durationUs);
    if (queueUs !== null) this.#double(queueUs);
    for (const step of steps) {
      this.#word(this.#numberOf(step.step));
      this.#word(step.executions);
      this.#word(step.errors);
      this.#word(step.attempts);
      this.#word(step.blamed);
      this.#word(step.durationsMs.length);
      for (const ms of step.durationsMs) this.#double(ms);
    }
    return offset;
  }

  #read(offset: number): Counted {
    const bytes = this.#bytes;
    let at = offset;
    const word = (): number => bytes.getUint32((at += 4) - 4, true);
    const double = (): number => bytes.getFloat64((at += 8) - 8, true);
    const header = word();
    const durationUs = (header & HAS_DURATION) === 0 ? null : double();
    const queueUs = (header & HAS_QUEUE) === 0 ? null : double();
    const steps: StepContribution[] = [];
    for (let left = header >>> STEP_COUNT_SHIFT; left > 0; left--) {
      const step = this.#steps[word()]!;
      const [executions, errors, attempts, blamed] = [word(), word(), word(), word()];
      const durationsMs = Array.from({ length: word() }, double);
      steps.push({ step, executions, errors, attempts, blamed, durationsMs });
    }
    return {
      state: STATES[header & 7]!,
      completed: (header & COMPLETED) !== 0,
      recovered: (header & RECOVERED) !== 0,
      late: (header & LATE) !== 0,
      sampled: (header & SAMPLED) !== 0,
      durationUs,
      queueUs,
      steps,
    };
  }

  #numberOf(step: string): number {
    let number = this.#stepNumbers.get(step);
    if (number === undefined) {
      number = this.#steps.push(step) - 1;
      this.#stepNumbers.set(step, number);
    }
    return number;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.byteLength) return;
    const larger = this.#bytes.buffer.transfer(Math.max(this.#bytes.byteLength * 2, this.#end + bytes));
    this.#bytes = new DataView(larger);
  }

  #word(value: number): void {
    this.#bytes.setUint32(this.#end, value, true);
    this.#end += 4;
  }

  #double(value: number): void {
    this.#bytes.setFloat64(this.#end, value, true);
    this.#end += 8;
  }
}

function headerOf(contribution: Counted): number {
  let header = STATES.indexOf(contribution.state) | (contribution.steps.length << STEP_COUNT_SHIFT);
  if (contribution.completed) header |= COMPLETED;
  if (contribution.recovered) header |= RECOVERED;
  if (contribution.late) header |= LATE;
  if (contribution.sampled) header |= SAMPLED;
  if (contribution.durationUs !== null) header |= HAS_DURATION;
  if (contribution.queueUs !== null) header |= HAS_QUEUE;
  return header;
}
