/** The table of metrics and the sources name the same metrics, with the labels and kinds that the table has. */
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { metricsTable, type MetricDefinition } from '../../../service/telemetry/metrics-table.ts';

interface Use {
  readonly file: string;
  readonly call: string;
  readonly name: string;
  /** Label names, sorted. */
  readonly labels: readonly string[];
}

const kinds: Readonly<Record<string, MetricDefinition['kind']>> = {
  count: 'counter',
  gauge: 'gauge',
  observe: 'histogram',
};
const table: Readonly<Record<string, MetricDefinition>> = metricsTable;

async function usesInSources(): Promise<Use[]> {
  const uses: Use[] = [];
  for await (const file of glob('{receiver,processor,exporter,service}/**/*.ts')) {
    const text = readFileSync(file, 'utf8');
    for (const match of text.matchAll(/\.(count|gauge|observe)\(\s*'([a-zA-Z0-9_:]+)'([^;]*)\);?/g)) {
      uses.push({ file, call: match[1]!, name: match[2]!, labels: labelsOf(match[3]!) });
    }
  }
  return uses;
}

/** `, 1, { table: block.table, reason }` has the labels reason and table. */
function labelsOf(rest: string): string[] {
  const object = /\{([^{}]*)\}\s*,?\s*$/.exec(rest)?.[1];
  if (object === undefined) return [];
  const labels = object.split(',').map((property) => property.trim().split(':')[0]!.trim());
  return labels.filter((label) => label !== '').toSorted();
}

const uses = await usesInSources();

describe('the table of metrics', () => {
  test('the sources measure something', () => {
    expect(uses.length).toBeGreaterThan(10);
  });

  test('has every metric that a source names, as what it is used for', () => {
    const wrong = uses.filter(({ name, call }) => table[name]?.kind !== kinds[call]);
    expect(wrong).toEqual([]);
  });

  test('has the labels that the sources give', () => {
    const wrong = uses.filter(({ name, labels }) => String(labels) !== String(table[name]?.labels.toSorted()));
    expect(wrong).toEqual([]);
  });

  test('has no metric that no source names', () => {
    const used = new Set(uses.map(({ name }) => name));
    expect(Object.keys(table).filter((name) => !used.has(name))).toEqual([]);
  });

  test('no source names a metric in another way than as a literal', async () => {
    const indirect: string[] = [];
    for await (const file of glob('{receiver,processor,exporter}/**/*.ts')) {
      const text = readFileSync(file, 'utf8');
      for (const match of text.matchAll(/telemetry\.(count|gauge|observe)\(\s*[^'\s]/g))
        indirect.push(`${file}: ${match[0]}`);
    }
    expect(indirect).toEqual([]);
  });

  test.each(Object.entries(table))('%s follows the habits', (name, definition) => {
    expect(name).toMatch(/^(otelcol|finishline)_[a-z_]+$/);
    expect(definition.help).toMatch(/^[A-Z].*\.$/);
    // The Collector's own counters have no suffix.
    if (name.startsWith('finishline_')) expect(name.endsWith('_total')).toBe(definition.kind === 'counter');
    expect(definition.kind === 'histogram').toBe(definition.buckets !== undefined);
  });
});
