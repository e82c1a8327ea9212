/**
 * What the answer must be, figured from what is sent and nothing else.
 * Owns the arithmetic of DESIGN's rates for the demo's runs; shares no code with the processor, on purpose.
 */
import { type DemoRun, type DemoStep, runDurationMs } from './demo-plan.ts';

export interface ExpectedProcess {
  readonly process: string;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly completionRate: number;
  readonly successRate: number;
  /** The step that most runs failed at, '' when none did. */
  readonly failingStep: string;
  readonly failingStepRuns: number;
  /** Durations in ms, ascending. */
  readonly durationsMs: readonly number[];
  readonly inFlight: number;
}

export function expectedProcesses(runs: readonly DemoRun[]): ExpectedProcess[] {
  const groups = [...Map.groupBy(runs, (run) => run.process)];
  return groups
    .map(([process, own]) => expectedProcess(process, own))
    .toSorted((a, b) => (a.process < b.process ? -1 : 1));
}

function expectedProcess(process: string, runs: readonly DemoRun[]): ExpectedProcess {
  const ended = runs.filter((run) => run.root !== 'never');
  const failed = ended.filter((run) => run.root === 'error' || (run.root === 'unset' && brokenStep(run) !== undefined));
  const incomplete = ended.filter((run) => brokenStep(run) !== undefined);
  const blamed = [...Map.groupBy(incomplete, (run) => brokenStep(run)!.name)].toSorted(
    (a, b) => b[1].length - a[1].length,
  );
  return {
    process,
    runs: ended.length,
    succeeded: ended.length - failed.length,
    failed: failed.length,
    completionRate: (ended.length - incomplete.length) / ended.length,
    successRate: (ended.length - failed.length) / ended.length,
    failingStep: blamed[0]?.[0] ?? '',
    failingStepRuns: blamed[0]?.[1].length ?? 0,
    durationsMs: ended.map(runDurationMs).toSorted((a, b) => a - b),
    inFlight: runs.length - ended.length,
  };
}

/** The step whose last attempt failed. */
function brokenStep(run: DemoRun): DemoStep | undefined {
  return run.steps.find((step) => step.attempts.at(-1)!.error !== undefined);
}
