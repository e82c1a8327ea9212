/**
 * What a scan found worth keeping, as ranges of the request's bytes: a flat list of entries in document order.
 * Owns the list; reframe.ts turns it into bytes. It is reused from request to request, so that a scan allocates nothing.
 *
 *   RESOURCE_SPANS                   begins a group
 *     RESOURCE     tag..end          header of the group, anywhere in it
 *     SCOPE_SPANS                    begins a group in it
 *       SCOPE      tag..end          header of that group, anywhere in it
 *       TAGGED     tag..end          a span, tag and length included
 *
 * Groups without a span are taken back when they end.
 */

export const RESOURCE_SPANS = 1;
export const RESOURCE = 2;
export const SCOPE_SPANS = 3;
/** As SCOPE_SPANS, but of the field 1000 that older senders used. */
export const DEPRECATED_SCOPE_SPANS = 4;
export const SCOPE = 5;
/** A span or a group that turned out not to be wanted. */
export const DROPPED = 6;
/** From here on an entry is a span. */
export const TAGGED = 7;
/** A tagged span that may need its trace's local root to be understood. */
export const UNDECIDED = 8;
/** An untagged span in error. */
export const EVIDENCE = 9;
/** An untagged local root, kept only if its trace is asked for. */
export const LOCAL_ROOT = 10;

const STRIDE = 4;
const INITIAL_ENTRIES = 1024;
/** A longer list than this is given back after the request. */
const KEPT_ENTRIES = 64 * 1024;

export class ScanPlan {
  #entries = new Int32Array(INITIAL_ENTRIES * STRIDE);
  /** Number of entries. */
  length = 0;

  /** Starts over. */
  clear(): void {
    this.length = 0;
    if (this.#entries.length > KEPT_ENTRIES * STRIDE) this.#entries = new Int32Array(INITIAL_ENTRIES * STRIDE);
  }

  /** Adds an entry; `extra` is where a header's content starts, or where a span's trace id is. */
  push(kind: number, start: number, end: number, extra: number): void {
    const at = this.length * STRIDE;
    if (at === this.#entries.length) this.#grow();
    this.#entries[at] = kind;
    this.#entries[at + 1] = start;
    this.#entries[at + 2] = end;
    this.#entries[at + 3] = extra;
    this.length++;
  }

  kind(index: number): number {
    return this.#entries[index * STRIDE]!;
  }

  setKind(index: number, kind: number): void {
    this.#entries[index * STRIDE] = kind;
  }

  start(index: number): number {
    return this.#entries[index * STRIDE + 1]!;
  }

  end(index: number): number {
    return this.#entries[index * STRIDE + 2]!;
  }

  extra(index: number): number {
    return this.#entries[index * STRIDE + 3]!;
  }

  /** Groups keep the size of their re-framed content here. */
  setExtra(index: number, value: number): void {
    this.#entries[index * STRIDE + 3] = value;
  }

  #grow(): void {
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
  }
}
