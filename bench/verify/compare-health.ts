/**
 * `process_health` and `failing_steps` against the truth, for every window, at the moment of the query.
 * Owns what a window holds: the runs that ended since the start of the minute `window` before now.
 */
import { stepError } from '../generator/span-content.ts';
import { type ProcessTruth, processTruths, type RunTruth } from '../generator/truth.ts';
import type { Query } from './compare-ledger.ts';
import { rankError } from './rank-error.ts';

const windowMinutes = { '5m': 5, '1h': 60, '24h': 1440 } as const;
type Window = keyof typeof windowMinutes;

export const maxRankError = 0.005;

interface HealthRow {
  readonly now_s: number;
  readonly environment: string;
  readonly process: string;
  readonly window: Window;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly abandoned: number;
  readonly completion_rate: number | null;
  readonly success_rate: number | null;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
  readonly failing_step: string;
  readonly failing_step_runs: number;
}

interface FailingStepRow {
  readonly now_s: number;
  readonly environment: string;
  readonly process: string;
  readonly window: Window;
  readonly step: string;
  /** Runs of the process that ended, and those of them that this step broke. */
  readonly runs: number;
  readonly failed_runs: number;
  readonly share: number | null;
  readonly last_error_type: string;
  readonly last_error_message: string;
}

export interface HealthComparison {
  readonly differences: readonly string[];
  /** Greatest rank error of a p50, p95 or p99 that was met. */
  readonly worstRankError: number;
  /** Rows compared, to show that something was. */
  readonly rows: number;
}

/** Compares each process and window; a process that the truth does not know is a difference. */
export async function compareHealth(query: Query, runs: readonly RunTruth[]): Promise<HealthComparison> {
  const rows = await query<HealthRow>('SELECT toUnixTimestamp(now()) AS now_s, * FROM process_health');
  const truth = new TruthByWindow(runs);
  const differences: string[] = [];
  let worstRankError = 0;
  const seen = new Set<string>();
  for (const row of rows) {
    const name = `process_health ${row.environment}/${row.process} ${row.window}`;
    if (seen.has(name)) differences.push(`${name}: two rows`);
    seen.add(name);
    const process = truth.at(row.window, row.now_s).get(`${row.environment}/${row.process}`);
    differences.push(...figures(row, process).map((difference) => `${name}: ${difference}`));
    for (const [column, q] of quantileColumns) {
      const error = quantileError(row[column], process, q);
      worstRankError = Math.max(worstRankError, error);
      if (error > maxRankError) differences.push(`${name}: ${column} ${row[column]} is ${error} of rank away`);
    }
  }
  for (const key of truth.processes) {
    for (const window of Object.keys(windowMinutes)) {
      if (!seen.has(`process_health ${key} ${window}`)) differences.push(`process_health ${key} ${window}: no row`);
    }
  }
  return { differences, worstRankError, rows: rows.length };
}

const quantileColumns = [
  ['p50_ms', 0.5],
  ['p95_ms', 0.95],
  ['p99_ms', 0.99],
] as const;

/** Differences of `failing_steps`: each step that broke a run, by process and window. */
export async function failingStepDifferences(query: Query, runs: readonly RunTruth[]): Promise<string[]> {
  const rows = await query<FailingStepRow>('SELECT toUnixTimestamp(now()) AS now_s, * FROM failing_steps');
  const truth = new TruthByWindow(runs);
  const differences: string[] = [];
  const nowSeconds = rows[0]?.now_s ?? Date.now() / 1000;
  const seen = new Set<string>();
  for (const row of rows) {
    const name = `failing_steps ${row.environment}/${row.process} ${row.window} ${row.step}`;
    seen.add(name);
    const process = truth.at(row.window, row.now_s).get(`${row.environment}/${row.process}`);
    differences.push(...stepFigures(row, process).map((difference) => `${name}: ${difference}`));
  }
  for (const window of Object.keys(windowMinutes) as Window[]) {
    for (const [key, process] of truth.at(window, nowSeconds)) {
      for (const step of process.failingSteps.keys()) {
        const name = `failing_steps ${key} ${window} ${step}`;
        if (!seen.has(name)) differences.push(`${name}: no row`);
      }
    }
  }
  return differences;
}

function stepFigures(row: FailingStepRow, truth: ProcessTruth | undefined): string[] {
  const broken = truth?.failingSteps.get(row.step) ?? 0;
  const incomplete = sumOf(truth?.failingSteps.values() ?? []);
  const expected: [column: keyof FailingStepRow, value: string | number | null][] = [
    ['runs', truth?.runs ?? 0],
    ['failed_runs', broken],
    ['share', incomplete === 0 ? null : broken / incomplete],
    ['last_error_type', stepError.type],
    ['last_error_message', stepError.message],
  ];
  return expected
    .filter(([column, value]) => (typeof value === 'string' ? row[column] !== value : !sameNumber(row[column], value)))
    .map(([column, value]) => `${column} is ${row[column]}, sent ${value}`);
}

function figures(row: HealthRow, truth: ProcessTruth | undefined): string[] {
  const highest = Math.max(0, ...(truth?.failingSteps.values() ?? []));
  const expected: [column: keyof HealthRow, value: number | null][] = [
    ['runs', truth?.runs ?? 0],
    ['succeeded', truth?.succeeded ?? 0],
    ['failed', truth?.failed ?? 0],
    ['abandoned', 0],
    ['completion_rate', truth?.completionRate ?? null],
    ['success_rate', truth?.successRate ?? null],
    ['failing_step_runs', highest],
  ];
  const differences = expected
    .filter(([column, value]) => !sameNumber(row[column], value))
    .map(([column, value]) => `${column} is ${row[column]}, sent ${value}`);
  // With a tie any of the leading steps is right.
  const leading = [...(truth?.failingSteps ?? [])].filter(([, count]) => count === highest).map(([step]) => step);
  if (!(leading.length === 0 ? ['', null] : leading).includes(row.failing_step)) {
    differences.push(`failing_step is '${row.failing_step}', sent ${leading.join(' or ') || 'none'}`);
  }
  return differences;
}

function quantileError(value: number | null, truth: ProcessTruth | undefined, q: number): number {
  if (truth === undefined || truth.durationsMs.length === 0) return value === null ? 0 : 1;
  if (value === null) return 1;
  const stored = truth.durationsMs.map(Math.fround);
  // One rank is forgiven: between two values of a small set any number is a right quantile.
  return Math.max(0, rankError(stored, value, q) - 1 / stored.length);
}

function sameNumber(got: unknown, expected: number | null): boolean {
  if (expected === null || got === null) return got === expected;
  return Math.abs(Number(got) - expected) < 1e-9;
}

function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The truth of each window, computed once per minute that a query falls in. */
class TruthByWindow {
  readonly processes: ReadonlySet<string>;
  readonly #runs: readonly RunTruth[];
  readonly #known = new Map<number, Map<string, ProcessTruth>>();

  constructor(runs: readonly RunTruth[]) {
    this.#runs = runs;
    this.processes = new Set(runs.map((run) => `${run.environment}/${run.process}`));
  }

  at(window: Window, nowSeconds: number): Map<string, ProcessTruth> {
    const fromSeconds = Math.floor((nowSeconds - windowMinutes[window] * 60) / 60) * 60;
    const known = this.#known.get(fromSeconds);
    if (known !== undefined) return known;
    const computed = processTruths(this.#runs, fromSeconds * 1e6);
    this.#known.set(fromSeconds, computed);
    return computed;
  }
}
