/**
 * Names what broke a run that is not complete (DESIGN section 4, "Failing step").
 * Owns the choice among failed executions, recovered failures and evidence; never asked for complete runs.
 */
import { compareInstants, compareStrings, type Event } from '../event.ts';
import { lastAttempt, type Attempt, type Execution } from './executions.ts';

export interface Blame {
  readonly step: string;
  readonly errorType: string;
  readonly errorMessage: string;
  /** The execution blamed; undefined when evidence or the run itself is. */
  readonly execution: Execution | undefined;
}

/** An untagged error of the run, with its depth. */
export interface Evidence {
  readonly event: Event;
  readonly depth: number;
}

export interface RunError {
  readonly errorType: string;
  readonly errorMessage: string;
}

interface Suspect {
  readonly attempt: Attempt;
  readonly execution: Execution;
}

/** @param own the error of the run's root; both texts '' when it has none */
export function blame(own: RunError, executions: readonly Execution[], evidence: readonly Evidence[]): Blame {
  const failed = executions.map((execution) => ({ attempt: lastAttempt(execution), execution }));
  const remaining = failed.filter(({ attempt }) => attempt.failed);
  const same = remaining.filter(({ attempt }) => sameError(attempt, own));
  const culprit = deepest(same.length > 0 ? same : remaining) ?? deepest(recoveredWith(own, executions));
  if (culprit !== undefined) return blameStep(culprit);
  const clue = deepest(evidence.map((item) => ({ attempt: item, execution: undefined })));
  if (clue !== undefined) {
    const { event } = clue.attempt;
    return { step: event.name, errorType: event.errorType, errorMessage: event.errorMessage, execution: undefined };
  }
  return { step: '(run)', errorType: own.errorType, errorMessage: own.errorMessage, execution: undefined };
}

function blameStep({ attempt, execution }: Suspect): Blame {
  return {
    step: execution.step,
    errorType: attempt.errorType,
    errorMessage: attempt.errorMessage,
    execution,
  };
}

/** Failures that a later attempt made good, yet whose error is the run's own. */
function recoveredWith(own: RunError, executions: readonly Execution[]): Suspect[] {
  return executions.flatMap((execution) =>
    execution.attempts
      .filter((attempt) => attempt.failed && attempt !== lastAttempt(execution) && sameError(attempt, own))
      .map((attempt) => ({ attempt, execution })),
  );
}

/** Equal messages, or equal types where neither has a message; a type that differs tells them apart. */
function sameError(a: RunError, b: RunError): boolean {
  if (a.errorMessage !== b.errorMessage) return false;
  if (a.errorType !== '' && b.errorType !== '' && a.errorType !== b.errorType) return false;
  return a.errorMessage !== '' || (a.errorType !== '' && a.errorType === b.errorType);
}

/** The deepest; ties by the earliest end, then the smaller span id. */
function deepest<T extends { readonly attempt: { readonly event: Event; readonly depth: number } }>(
  suspects: readonly T[],
): T | undefined {
  let best: T | undefined;
  for (const suspect of suspects) {
    if (best === undefined || isDeeper(suspect.attempt, best.attempt)) best = suspect;
  }
  return best;
}

function isDeeper(a: { event: Event; depth: number }, b: { event: Event; depth: number }): boolean {
  const order =
    b.depth - a.depth || compareInstants(a.event.end, b.event.end) || compareStrings(a.event.spanId, b.event.spanId);
  return order < 0;
}
