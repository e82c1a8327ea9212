/** Deliberate mistakes in the processor, each of which the order properties must catch. Data only. */

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Must stand exactly once in the file. */
  readonly search: string;
  readonly replacement: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'settle ignored',
    file: 'processor/machine.ts',
    search: 'this.#config = config;',
    replacement: 'this.#config = config = { ...config, settle: 0 };',
  },
  {
    name: 'duplicate counted',
    file: 'processor/open-runs/trace-group.ts',
    search: 'const place = this.#find(event);',
    replacement: 'const place: number = -1;',
  },
  {
    name: 'version not raised',
    file: 'processor/ledger/publisher.ts',
    search: 'published.version = Math.max(published.version + 1, now);',
    replacement: '',
  },
  {
    name: 'the last arrival wins',
    file: 'processor/open-runs/trace-group.ts',
    search: 'if (!winsOver(event, known)) {',
    replacement: 'if (!winsOver(event, known) && event.hashLow === known.hashLow) {',
  },
  {
    name: 'no tombstone for a step that was given up',
    file: 'processor/ledger/publisher.ts',
    search: 'rows.steps.push(stepTombstone(published.key, step, published.version));',
    replacement: '',
  },
  {
    name: 'a retracted run stays in its panes',
    file: 'processor/ledger/publisher.ts',
    search: 'this.#contribute(placeOf(published), undefined, published.key.runId);',
    replacement: '',
  },
  {
    name: 'an amendment adds instead of replacing',
    file: 'processor/panes/pane.ts',
    search: 'if (before !== undefined) this.#totals.count(before, -1);',
    replacement: '',
  },
];
