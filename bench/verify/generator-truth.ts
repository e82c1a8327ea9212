/**
 * The ground truth that the independent generator writes (`--truth-out`): aggregates per process.
 * Owns its shape and the check that a recording of its requests says the same.
 */
import { processTruths, type RunTruth } from '../generator/truth.ts';

interface GeneratorProcess {
  readonly runs: number;
  readonly finished: number;
  readonly failed: number;
  readonly completed: number;
  readonly completion_rate: number;
  readonly p95_s: number;
  readonly failing_steps: Readonly<Record<string, number>>;
}

export interface GeneratorTruth {
  readonly processes: Readonly<Record<string, GeneratorProcess>>;
}

/** Where recorded runs and the generator's own aggregates differ. */
export function generatorDifferences(generator: GeneratorTruth, recorded: readonly RunTruth[]): string[] {
  const seen = processTruths(recorded);
  const environment = recorded[0]?.environment ?? '';
  return Object.entries(generator.processes).flatMap(([name, said]) => {
    const process = seen.get(`${environment}/${name}`);
    if (process === undefined)
      return said.finished === 0 ? [] : [`${name}: nothing recorded, generated ${said.finished}`];
    const figures: [string, unknown, unknown][] = [
      ['runs', process.runs, said.finished],
      ['failed', process.failed, said.failed],
      ['succeeded', process.succeeded, said.completed],
      ['completion rate', process.completionRate?.toFixed(9), said.completion_rate.toFixed(9)],
      ['failing steps', sorted([...process.failingSteps]), sorted(Object.entries(said.failing_steps))],
      // Recorded durations are cut to µs at both ends, the generator's are whole nanoseconds.
      ['p95', Math.abs(nearestRank(process.durationsMs, 0.95) - said.p95_s * 1000) < 0.002, true],
    ];
    return figures
      .filter(([, got, expected]) => got !== expected)
      .map(([figure, got, expected]) => `${name}: ${figure} recorded ${String(got)}, generated ${String(expected)}`);
  });
}

function sorted(entries: readonly (readonly [string, number])[]): string {
  return JSON.stringify(entries.toSorted((a, b) => (a[0] < b[0] ? -1 : 1)));
}

function nearestRank(values: Float64Array, q: number): number {
  return values[Math.max(0, Math.ceil(q * values.length) - 1)] ?? 0;
}
