/**
 * A multiset of numbers kept sorted: many are added (and a few taken out) between two readings, then read in order.
 * Owns the merge of what is new into what is sorted, O(n + m log m) a reading, so that a pane which is written every
 * second does not sort its runs every second.
 */

export class SortedValues {
  #sorted = new Float64Array(0);
  #size = 0;
  #added: number[] = [];
  #removed: number[] = [];

  get size(): number {
    return this.#size + this.#added.length - this.#removed.length;
  }

  add(value: number): void {
    this.#added.push(value);
  }

  /** Takes out one occurrence of a value that was added before. */
  remove(value: number): void {
    this.#removed.push(value);
  }

  /** The values in ascending order; good until the next change. */
  sorted(): Float64Array {
    if (this.#added.length > 0) this.#merge();
    if (this.#removed.length > 0) this.#takeOut();
    return this.#sorted.subarray(0, this.#size);
  }

  #merge(): void {
    const added = Float64Array.from(this.#added).toSorted();
    this.#added = [];
    const size = this.#size + added.length;
    const from = this.#sorted;
    // Grown by a half, so that a growing pane is seldom copied to a new place.
    const to = size <= from.length ? from : new Float64Array(Math.ceil(size * 1.5));
    let i = this.#size - 1;
    let j = added.length - 1;
    for (let k = size - 1; k >= 0; k--) {
      if (j < 0 && to === from) break;
      to[k] = j < 0 || (i >= 0 && from[i]! > added[j]!) ? from[i--]! : added[j--]!;
    }
    this.#sorted = to;
    this.#size = size;
  }

  #takeOut(): void {
    const removed = Float64Array.from(this.#removed).toSorted();
    this.#removed = [];
    const values = this.#sorted;
    let kept = 0;
    let next = 0;
    for (let i = 0; i < this.#size; i++) {
      if (next < removed.length && values[i] === removed[next]) next++;
      else values[kept++] = values[i]!;
    }
    this.#size = kept;
  }
}
