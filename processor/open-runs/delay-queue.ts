/**
 * Items that become due a fixed delay after they are put in, first in first out: as time never goes back, so does due.
 * Owns the ring; what is done with a due item is the caller's. O(1) a step.
 */
import type { Micros } from '../../schema/journal-record.ts';

export class DelayQueue<T> {
  readonly #delay: Micros;
  #items: T[] = [];
  #dues: Micros[] = [];
  #head = 0;

  constructor(delay: Micros) {
    this.#delay = delay;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Due at `now + delay`; `now` must not be before that of an earlier call. */
  push(item: T, now: Micros): void {
    this.#items.push(item);
    this.#dues.push(now + this.#delay);
  }

  /** When the first item is due; Infinity when there is none. */
  nextDue(): Micros {
    return this.#dues[this.#head] ?? Infinity;
  }

  /** When the last item is due; -Infinity when there is none. */
  lastDue(): Micros {
    return this.size === 0 ? -Infinity : this.#dues.at(-1)!;
  }

  /** Takes the first item if it is due. */
  takeDue(now: Micros): T | undefined {
    if (this.nextDue() > now) return undefined;
    return this.takeFirst();
  }

  /** Takes the first item, due or not. */
  takeFirst(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head >= this.#items.length) return undefined;
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#compact();
    return item;
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head);
    this.#dues = this.#dues.slice(this.#head);
    this.#head = 0;
  }
}
