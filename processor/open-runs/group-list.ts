/**
 * Groups in the order of their last sign, the one longest silent first. A group is in one list at most.
 * Owns the links, which stand in the groups themselves: moving one costs nothing and leaves no garbage.
 */
import type { TraceGroup } from './trace-group.ts';

export class GroupList {
  first: TraceGroup | undefined;
  size = 0;
  #last: TraceGroup | undefined;

  has(group: TraceGroup): boolean {
    return group.list === this;
  }

  /** Puts the group at the end, out of whatever list it was in. */
  push(group: TraceGroup): void {
    group.list?.remove(group);
    group.list = this;
    group.before = this.#last;
    if (this.#last === undefined) this.first = group;
    else this.#last.after = group;
    this.#last = group;
    this.size++;
  }

  /** Does nothing when the group is not in this list. */
  remove(group: TraceGroup): void {
    if (group.list !== this) return;
    if (group.before === undefined) this.first = group.after;
    else group.before.after = group.after;
    if (group.after === undefined) this.#last = group.before;
    else group.after.before = group.before;
    group.list = group.before = group.after = undefined;
    this.size--;
  }
}
