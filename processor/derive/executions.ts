/**
 * Matches the spans of each step of a run to executions and their attempts (DESIGN section 4, "Attempts").
 * Owns the matching only; what an execution's failure means for the run is outcome.ts and failing-step.ts.
 */
import { compareInstants, compareStrings, type Event } from '../event.ts';
import type { RunState } from '../../schema/state.ts';

/** One try of a step: a step span, or the root of a child run. */
export interface Attempt {
  readonly event: Event;
  readonly state: RunState;
  readonly failed: boolean;
  readonly errorType: string;
  readonly errorMessage: string;
  /** Number of kept spans of the run above it. */
  readonly depth: number;
  readonly isChild: boolean;
}

export interface Execution {
  readonly step: string;
  /** 1.. by start among the executions of one step name. */
  number: number;
  /** Never empty. */
  readonly attempts: Attempt[];
}

/** Clocks of different resources may disagree this much about which attempt ended before which began. */
const CLOCK_TOLERANCE_US = 100_000;

export function stepNameOf(event: Event): string {
  return event.stepName === '' ? event.name : event.stepName;
}

/** A step's identity in its run: its key, else its name. */
export function stepIdentity(event: Event): string {
  return event.stepKey === '' ? `n:${stepNameOf(event)}` : `k:${event.stepKey}`;
}

export function lastAttempt(execution: Execution): Attempt {
  return execution.attempts.at(-1)!;
}

/** Whether a failed attempt was made good by the last one. */
export function isRecovered(execution: Execution): boolean {
  return !lastAttempt(execution).failed && execution.attempts.some((attempt) => attempt.failed);
}

/** @param attempts of one run, in any order @returns executions by start */
export function matchExecutions(attempts: readonly Attempt[]): Execution[] {
  const ordered = attempts.toSorted(inOrder);
  return haveOwnNames(ordered) ? ordered.map((attempt) => newExecution(attempt, 1)) : matchByIdentity(ordered);
}

/** The usual run: every step was used once, so that there is nothing to match. */
function haveOwnNames(attempts: readonly Attempt[]): boolean {
  for (let i = 1; i < attempts.length; i++) {
    for (let j = 0; j < i; j++) if (mayBelongTogether(attempts[i]!.event, attempts[j]!.event)) return false;
    // Comparing each with each is for the few.
    if (i > 16) return false;
  }
  return true;
}

function mayBelongTogether(a: Event, b: Event): boolean {
  return stepNameOf(a) === stepNameOf(b) || (a.stepKey !== '' && a.stepKey === b.stepKey);
}

function newExecution(attempt: Attempt, number: number): Execution {
  return { step: stepNameOf(attempt.event), number, attempts: [attempt] };
}

function matchByIdentity(attempts: readonly Attempt[]): Execution[] {
  const byIdentity = new Map<string, Execution[]>();
  for (const attempt of attempts) {
    const identity = stepIdentity(attempt.event);
    let executions = byIdentity.get(identity);
    if (executions === undefined) byIdentity.set(identity, (executions = []));
    const earlier = predecessor(attempt, executions);
    if (earlier === undefined) executions.push(newExecution(attempt, 0));
    else earlier.attempts.push(attempt);
  }
  const all = [...byIdentity.values()].flat().toSorted((a, b) => inOrder(a.attempts[0]!, b.attempts[0]!));
  numberByName(all);
  return all;
}

function inOrder(a: Attempt, b: Attempt): number {
  return (
    compareInstants(a.event.start, b.event.start) ||
    compareStrings(a.event.spanId, b.event.spanId) ||
    compareStrings(a.event.traceId, b.event.traceId)
  );
}

function numberByName(executions: readonly Execution[]): void {
  const counts = new Map<string, number>();
  for (const execution of executions) {
    execution.number = (counts.get(execution.step) ?? 0) + 1;
    counts.set(execution.step, execution.number);
  }
}

/** The execution whose next attempt this is; undefined when it opens a new one. */
function predecessor(attempt: Attempt, executions: readonly Execution[]): Execution | undefined {
  const { attempt: number } = attempt.event;
  if (number === 1) return undefined;
  if (number > 1) {
    return (
      earliestEnded(executions, (last) => last.event.attempt === number - 1) ??
      earliestEnded(executions, (last) => last.failed && last.event.attempt < number)
    );
  }
  return earliestEnded(executions, (last) => last.failed && endedBefore(last.event, attempt.event));
}

function earliestEnded(executions: readonly Execution[], accepts: (last: Attempt) => boolean): Execution | undefined {
  let best: Execution | undefined;
  for (const execution of executions) {
    const last = lastAttempt(execution);
    if (accepts(last) && (best === undefined || endsFirst(last.event, lastAttempt(best).event))) best = execution;
  }
  return best;
}

function endsFirst(a: Event, b: Event): boolean {
  return (compareInstants(a.end, b.end) || compareStrings(a.spanId, b.spanId)) < 0;
}

function endedBefore(earlier: Event, later: Event): boolean {
  if (compareInstants(earlier.end, later.start) <= 0) return true;
  return earlier.resource !== later.resource && earlier.end.us - CLOCK_TOLERANCE_US <= later.start.us;
}
