/**
 * The ledger against the truth, row by row: every run and every step, no more and no fewer.
 * Owns which columns are compared; a difference is one line that names the row, the column, got and expected.
 */
import type { RunTruth, StepTruth } from '../generator/truth.ts';

export interface LedgerOptions {
  /** By how many µs a duration may differ: 0 for truths in whole µs, 1 for truths cut from nanoseconds. */
  readonly toleranceUs: number;
}

export type Query = <T>(sql: string) => Promise<T[]>;

type Row = Readonly<Record<string, string | number>>;
type Figures = Readonly<Record<string, string | number>>;

const maxReported = 20;
/** The ledger keeps milliseconds of points in time, microseconds of durations. */
const instantMs = (us: number) => Math.floor(us / 1000);

/** Differences of `runs`; empty when each run of the truth has exactly its row. */
export async function runDifferences(
  query: Query,
  truth: readonly RunTruth[],
  options: LedgerOptions,
): Promise<string[]> {
  const rows = await query<Row>(`
    SELECT concat(environment, '/', process, '/', run_id) AS key, service, state, failing_step, error_type, error_message,
      steps, errored_steps, attempts, trace_id, toUnixTimestamp64Milli(started_at) AS started_ms,
      toUnixTimestamp64Milli(ended_at) AS ended_ms, duration_ms
    FROM runs`);
  const expected = new Map(truth.map((run) => [`${run.environment}/${run.process}/${run.runId}`, runFigures(run)]));
  return rowDifferences('run', rows, expected, options);
}

/** Differences of `steps`; empty when each step of the truth has exactly its row. */
export async function stepDifferences(
  query: Query,
  truth: readonly RunTruth[],
  options: LedgerOptions,
): Promise<string[]> {
  const rows = await query<Row>(`
    SELECT concat(environment, '/', process, '/', run_id, '/', step, '/', toString(execution)) AS key, state, attempts,
      error_type, error_message, span_id, toUnixTimestamp64Milli(started_at) AS started_ms,
      toUnixTimestamp64Milli(ended_at) AS ended_ms, duration_ms
    FROM steps`);
  const expected = new Map<string, Figures>();
  for (const run of truth) {
    for (const step of run.steps) {
      expected.set(`${run.environment}/${run.process}/${run.runId}/${step.step}/1`, stepFigures(step, run));
    }
  }
  return rowDifferences('step', rows, expected, options);
}

function runFigures(run: RunTruth): Figures {
  return {
    service: run.service,
    state: run.state,
    failing_step: run.failingStep,
    error_type: run.errorType,
    error_message: run.errorMessage,
    steps: run.steps.length,
    errored_steps: run.steps.filter((step) => step.state === 'FAILED').length,
    attempts: run.steps.reduce((sum, step) => sum + step.attempts, 0),
    trace_id: run.runId.slice(0, 32),
    started_ms: instantMs(run.startUs),
    ended_ms: instantMs(run.endUs),
    duration_ms: (run.endUs - run.startUs) / 1000,
  };
}

function stepFigures(step: StepTruth, run: RunTruth): Figures {
  const failed = step.state === 'FAILED';
  return {
    state: step.state,
    attempts: step.attempts,
    error_type: failed ? run.errorType : '',
    error_message: failed ? run.errorMessage : '',
    span_id: step.spanId,
    started_ms: instantMs(step.startUs),
    ended_ms: instantMs(step.endUs),
    duration_ms: (step.endUs - step.startUs) / 1000,
  };
}

function rowDifferences(
  kind: string,
  rows: readonly Row[],
  expected: ReadonlyMap<string, Figures>,
  { toleranceUs }: LedgerOptions,
): string[] {
  const differences: string[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const key = String(row['key']);
    const figures = expected.get(key);
    if (seen.has(key)) differences.push(`${kind} ${key} has two rows`);
    else if (figures === undefined) differences.push(`${kind} ${key} was never sent`);
    else differences.push(...figureDifferences(`${kind} ${key}`, row, figures, toleranceUs));
    seen.add(key);
  }
  for (const key of expected.keys()) if (!seen.has(key)) differences.push(`${kind} ${key} is missing`);
  if (differences.length <= maxReported) return differences;
  return [...differences.slice(0, maxReported), `… and ${differences.length - maxReported} more of ${kind}s`];
}

function figureDifferences(name: string, row: Row, figures: Figures, toleranceUs: number): string[] {
  return Object.entries(figures)
    .filter(([column, value]) => !same(column, row[column], value, toleranceUs))
    .map(([column, value]) => `${name}: ${column} is ${row[column]}, sent ${value}`);
}

function same(
  column: string,
  got: string | number | undefined,
  expected: string | number,
  toleranceUs: number,
): boolean {
  if (column !== 'duration_ms') return got === expected;
  return typeof got === 'number' && Math.abs(got - Number(expected)) <= toleranceUs / 1000 + 1e-6;
}
