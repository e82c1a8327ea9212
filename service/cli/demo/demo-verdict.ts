/**
 * The SELECTs of the demo and the comparison of their answers with what was sent.
 * Owns which figures are compared and how; a difference is one line that names process, figure, got and expected.
 */
import type { ExpectedProcess } from './demo-expectation.ts';

export type AnswerRow = Readonly<Record<string, unknown>>;

export function healthQuery(environment: string): string {
  return `SELECT process, runs, succeeded, failed, completion_rate, success_rate, p95_ms, failing_step, failing_step_runs, in_flight
FROM process_health
WHERE environment = '${environment}' AND window = '1h'
ORDER BY process`;
}

export function inFlightQuery(environment: string): string {
  return `SELECT process, run_id, state, current_step
FROM runs_in_flight
WHERE environment = '${environment}'`;
}

/** Empty when every figure is right. */
export function healthDifferences(answer: readonly AnswerRow[], expected: readonly ExpectedProcess[]): string[] {
  const byProcess = new Map(answer.map((row) => [String(row['process']), row]));
  const differences = expected.flatMap((process) => {
    const row = byProcess.get(process.process);
    byProcess.delete(process.process);
    return row === undefined ? [`${process.process}: no row`] : processDifferences(row, process);
  });
  return [...differences, ...[...byProcess.keys()].map((process) => `${process}: a row for what was never sent`)];
}

function processDifferences(row: AnswerRow, expected: ExpectedProcess): string[] {
  const figures: [column: string, expected: string | number][] = [
    ['runs', expected.runs],
    ['succeeded', expected.succeeded],
    ['failed', expected.failed],
    ['completion_rate', expected.completionRate],
    ['success_rate', expected.successRate],
    ['failing_step', expected.failingStep],
    ['failing_step_runs', expected.failingStepRuns],
    ['in_flight', expected.inFlight],
  ];
  const differences = figures
    .filter(([column, value]) => !sameFigure(row[column], value))
    .map(([column, value]) => `${expected.process}: ${column} is ${String(row[column])}, sent ${value}`);
  const [low, high] = p95Bounds(expected.durationsMs);
  const p95 = Number(row['p95_ms']);
  // A stored p95 is a Float32; the durations on either side of the rank bound it.
  if (!(p95 >= low * (1 - 1e-6) && p95 <= high * (1 + 1e-6))) {
    differences.push(`${expected.process}: p95_ms is ${p95}, sent between ${low} and ${high}`);
  }
  return differences;
}

function sameFigure(got: unknown, expected: string | number): boolean {
  if (typeof expected === 'string') return got === expected;
  return got !== null && Math.abs(Number(got) - expected) < 1e-9;
}

/** The durations around rank 0.95 n: any interpolation lies between them. */
function p95Bounds(durationsMs: readonly number[]): [low: number, high: number] {
  const rank = Math.ceil(0.95 * durationsMs.length);
  const at = (index: number) => durationsMs[Math.min(Math.max(index, 0), durationsMs.length - 1)]!;
  return [at(rank - 2), at(rank)];
}

export function inFlightDifferences(answer: readonly AnswerRow[], process: string, runId: string): string[] {
  if (answer.length !== 1) return [`runs_in_flight has ${answer.length} rows, sent 1 run that never ends`];
  const figures = [
    ['process', process],
    ['run_id', runId],
    ['state', 'RUNNING'],
  ] as const;
  return figures
    .filter(([column, value]) => answer[0]![column] !== value)
    .map(([column, value]) => `runs_in_flight: ${column} is ${String(answer[0]![column])}, sent ${value}`);
}
