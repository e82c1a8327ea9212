/**
 * Counts what has been encoded and not yet confirmed, and lets producers wait for room.
 * Owns the two sums. Bounded everything: memory stays within the budget plus what each waiting producer already holds.
 */
import type { QueueSettings } from './config.ts';

export class QueueBudget {
  readonly #bounds: QueueSettings;
  #bytes = 0;
  #rows = 0;
  #waiting: (() => void)[] = [];

  constructor(bounds: QueueSettings) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rows(): number {
    return this.#rows;
  }

  add(bytes: number, rows: number): void {
    this.#bytes += bytes;
    this.#rows += rows;
  }

  release(bytes: number, rows: number): void {
    this.#bytes -= bytes;
    this.#rows -= rows;
    if (!this.hasRoom()) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  hasRoom(): boolean {
    return this.#bytes < this.#bounds.maxBytes && this.#rows < this.#bounds.maxRows;
  }

  /** Resolves once there is room. */
  async room(): Promise<void> {
    while (!this.hasRoom()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }
}
