/**
 * The ledger against the truth in totals, for runs too large to read row by row: per process, state and failing step
 * (per step and state) the number of rows, the sum of durations, and the exclusive-or of all span ids.
 */
import type { RunTruth } from '../generator/truth.ts';
import type { Query } from './compare-ledger.ts';

interface TotalsRow {
  readonly key: string;
  readonly rows: number;
  readonly duration_us: number;
  readonly high: number;
  readonly low: number;
}

/** Differences of `runs` and `steps` in totals; empty when equal. */
export async function totalDifferences(query: Query, truth: readonly RunTruth[]): Promise<string[]> {
  const runs = await query<TotalsRow>(`
    SELECT concat(process, '|', state, '|', failing_step) AS key, ${totals('substring(run_id, 34)')} FROM runs GROUP BY key`);
  const steps = await query<TotalsRow>(`
    SELECT concat(process, '|', step, '|', state, '|', toString(attempts)) AS key, ${totals('span_id')} FROM steps GROUP BY key`);
  const expectedRuns = new Totals();
  const expectedSteps = new Totals();
  for (const run of truth) {
    expectedRuns.add(`${run.process}|${run.state}|${run.failingStep}`, run.runId.slice(33), run.endUs - run.startUs);
    for (const step of run.steps) {
      const key = `${run.process}|${step.step}|${step.state}|${step.attempts}`;
      expectedSteps.add(key, step.spanId, step.endUs - step.startUs);
    }
  }
  return [...expectedRuns.differences('runs', runs), ...expectedSteps.differences('steps', steps)];
}

function totals(spanId: string): string {
  const word = (from: number) => `groupBitXor(reinterpretAsUInt32(reverse(unhex(substring(${spanId}, ${from}, 8)))))`;
  return `count() AS rows, toUInt64(round(sum(duration_ms * 1000))) AS duration_us, ${word(1)} AS high, ${word(9)} AS low`;
}

class Totals {
  readonly #groups = new Map<string, { rows: number; durationUs: number; high: number; low: number }>();

  add(key: string, spanId: string, durationUs: number): void {
    const group = this.#groups.get(key) ?? { rows: 0, durationUs: 0, high: 0, low: 0 };
    group.rows++;
    group.durationUs += durationUs;
    group.high = (group.high ^ Number.parseInt(spanId.slice(0, 8), 16)) >>> 0;
    group.low = (group.low ^ Number.parseInt(spanId.slice(8), 16)) >>> 0;
    this.#groups.set(key, group);
  }

  differences(table: string, rows: readonly TotalsRow[]): string[] {
    const got = new Map(rows.map((row) => [row.key, row]));
    const keys = new Set([...this.#groups.keys(), ...got.keys()]);
    return [...keys].flatMap((key) => {
      const row = got.get(key);
      const expected = this.#groups.get(key);
      const text = row === undefined ? 'none' : `${row.rows} rows, ${row.duration_us} µs, ids ${row.high}/${row.low}`;
      const sent =
        expected === undefined
          ? 'none'
          : `${expected.rows} rows, ${expected.durationUs} µs, ids ${expected.high}/${expected.low}`;
      return text === sent ? [] : [`${table} ${key}: ${text}; sent ${sent}`];
    });
  }
}
