/**
 * What a right answer is: every run and every step of a workload, and the aggregates over any stretch of time.
 * Computed from the workload's numbers alone; nothing of the service is imported, nothing has to be sent.
 */
import { environment, stepsPerRun } from './processes.ts';
import { stepError } from './span-content.ts';
import type { Role, Workload } from './workload.ts';

export interface StepTruth {
  readonly step: string;
  readonly state: 'SUCCEEDED' | 'FAILED';
  readonly attempts: number;
  readonly startUs: number;
  readonly endUs: number;
  /** Id of the last attempt's span, hex. */
  readonly spanId: string;
}

export interface RunTruth {
  readonly environment: string;
  readonly process: string;
  readonly service: string;
  /** `traceId:rootSpanId`, lower-case hex. */
  readonly runId: string;
  readonly state: 'SUCCEEDED' | 'FAILED';
  readonly startUs: number;
  readonly endUs: number;
  /** '' when the run succeeded. */
  readonly failingStep: string;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly steps: readonly StepTruth[];
}

export interface ProcessTruth {
  readonly environment: string;
  readonly process: string;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly completionRate: number | null;
  readonly successRate: number | null;
  /** Run durations in ms, ascending. */
  readonly durationsMs: Float64Array;
  readonly failingSteps: ReadonlyMap<string, number>;
}

/** Every run that ends; a run whose root never comes has no row anywhere. */
export function* runTruths(workload: Workload): Generator<RunTruth> {
  for (let run = 0; run < workload.runs; run++) {
    const shape = workload.shapes[run % workload.runsPerCycle]!;
    if (shape.unfinished) continue;
    const { failingStep: failing, process } = shape;
    const failed = failing >= 0;
    yield {
      environment,
      process: process.name,
      service: process.service,
      runId: `${traceIdHex(workload, run)}:${spanIdHex(workload, run, 'root')}`,
      state: failed ? 'FAILED' : 'SUCCEEDED',
      ...workload.runTimes(run),
      failingStep: failed ? process.steps[failing]! : '',
      errorType: failed ? stepError.type : '',
      errorMessage: failed ? stepError.message : '',
      steps: process.steps
        .slice(0, failed ? failing + 1 : stepsPerRun)
        .map((_, step) => stepTruth(workload, run, step)),
    };
  }
}

function stepTruth(workload: Workload, run: number, step: number): StepTruth {
  const shape = workload.shapes[run % workload.runsPerCycle]!;
  const recovers = step === shape.recoveringStep;
  const last = recovers ? 'again' : step;
  return {
    step: shape.process.steps[step]!,
    state: step === shape.failingStep ? 'FAILED' : 'SUCCEEDED',
    attempts: recovers ? 2 : 1,
    startUs: workload.spanTimes(run, step).startUs,
    endUs: workload.spanTimes(run, last).endUs,
    spanId: spanIdHex(workload, run, last),
  };
}

/** The aggregates of the runs that ended in [fromUs, untilUs), by `environment/process`. */
export function processTruths(
  runs: Iterable<RunTruth>,
  fromUs = Number.NEGATIVE_INFINITY,
  untilUs = Number.POSITIVE_INFINITY,
): Map<string, ProcessTruth> {
  const within = [...runs].filter((run) => run.endUs >= fromUs && run.endUs < untilUs);
  const groups = Map.groupBy(within, (run) => `${run.environment}/${run.process}`);
  return new Map([...groups].map(([key, group]) => [key, processTruth(group)]));
}

function processTruth(runs: readonly RunTruth[]): ProcessTruth {
  const failingSteps = new Map<string, number>();
  let succeeded = 0;
  let completed = 0;
  for (const run of runs) {
    if (run.state === 'SUCCEEDED') succeeded++;
    if (run.state === 'SUCCEEDED' && run.steps.every((step) => step.state === 'SUCCEEDED')) completed++;
    if (run.failingStep !== '') failingSteps.set(run.failingStep, (failingSteps.get(run.failingStep) ?? 0) + 1);
  }
  return {
    environment: runs[0]!.environment,
    process: runs[0]!.process,
    runs: runs.length,
    succeeded,
    failed: runs.length - succeeded,
    completionRate: completed / runs.length,
    successRate: succeeded / runs.length,
    durationsMs: Float64Array.from(runs, (run) => (run.endUs - run.startUs) / 1000).toSorted(),
    failingSteps,
  };
}

function traceIdHex(workload: Workload, run: number): string {
  return [0, 1, 2, 3].map((word) => hexWord(workload.traceWord(run, word))).join('');
}

function spanIdHex(workload: Workload, run: number, role: Exclude<Role, 'plain'>): string {
  return [0, 1].map((word) => hexWord(workload.spanWord(run, role, word))).join('');
}

function hexWord(word: number): string {
  return word.toString(16).padStart(8, '0');
}
