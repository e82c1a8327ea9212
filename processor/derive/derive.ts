/**
 * derive(events) -> runs: everything Finishline says about runs is computed here and nowhere else.
 * Owns the composition; membership, matching, outcome and blame each have their file. Pure: no clock, no memory; the
 * order of the events does not matter.
 */
import type { Instant } from '../../schema/rows.ts';
import type { Quality } from '../../schema/state.ts';
import type { Event } from '../event.ts';
import { microsBetween, shownTimes, type ShownTimes } from './clamp.ts';
import { depthIn } from './depth.ts';
import type { DerivedRun, DerivedStep } from './derived-run.ts';
import { isRecovered, lastAttempt, matchExecutions, stepIdentity, type Attempt, type Execution } from './executions.ts';
import { blame, type Evidence } from './failing-step.ts';
import { isCounted, isFailure, stateOfRoot, stateOfStep } from './outcome.ts';
import type { RunSpans } from './run-spans.ts';
import type { SpanNode } from './span-node.ts';

/** Every run of a partition, children before their parents. @param truncated spans were counted but not kept */
export function deriveRuns(runs: readonly RunSpans[], truncated = false): Map<RunSpans, DerivedRun> {
  const derived = new Map<RunSpans, DerivedRun>();
  const visit = (run: RunSpans): DerivedRun => {
    const known = derived.get(run);
    if (known !== undefined) return known;
    const result = deriveRun(run, run.children.map(visit), truncated);
    derived.set(run, result);
    return result;
  };
  for (const run of runs) visit(run);
  return derived;
}

function deriveRun(spans: RunSpans, children: readonly DerivedRun[], truncated: boolean): DerivedRun {
  const flags = new Set<Quality>();
  if (truncated) flags.add('truncated');
  if (spans.ambiguous) flags.add('ambiguous');
  const depthOf = depthIn(spans);
  const executions = matchExecutions(attemptsOf(spans, children, depthOf));
  const erroredSteps = countErrored(executions);
  const root = spans.root.event;
  const state = stateOfRoot(root, erroredSteps);
  const completed = state === 'SUCCEEDED' && erroredSteps === 0;
  const culprit = isCounted(state) && !completed ? blame(root, executions, evidenceOf(spans, depthOf)) : undefined;
  const start = shownTimes(spans.roots[0]!.event, flags).start;
  const times = shownTimes(root, flags);
  const steps = executions.map((execution) => deriveStep(execution, execution === culprit?.execution, flags));
  const events = allEvents(spans);
  if (events.some((event) => event.sampled)) flags.add('sampled');
  return {
    environment: spans.environment,
    process: spans.process,
    runId: spans.runId,
    state,
    service: root.service,
    serviceVersion: root.serviceVersion,
    dialect: root.dialect,
    trigger: spans.roots.find((node) => node.event.trigger !== '')?.event.trigger ?? '',
    parentRunId: spans.parent?.runId ?? '',
    traceId: root.traceId,
    ...queueOf(spans, start, flags),
    startedAt: start,
    endedAt: times.end,
    durationUs: wholeDuration(spans, start, times),
    failingStep: culprit?.step ?? '',
    errorType: culprit?.errorType ?? root.errorType,
    errorMessage: culprit?.errorMessage ?? root.errorMessage,
    distinctSteps: countDistinct(executions),
    erroredSteps,
    attempts: steps.reduce((sum, step) => sum + step.attemptCount, 0),
    completed,
    recovered: state === 'SUCCEEDED' && executions.some(isRecovered),
    quality: [...flags].toSorted(),
    steps,
    spans: [root, ...[...spans.roots, ...spans.evidence].map((node) => node.event).filter((event) => event !== root)],
    firstReceived: events.reduce((first, event) => Math.min(first, event.received), Infinity),
    lastReceived: events.reduce((last, event) => Math.max(last, event.received), 0),
  };
}

function attemptsOf(spans: RunSpans, children: readonly DerivedRun[], depthOf: (node: SpanNode) => number): Attempt[] {
  const attempts = spans.steps.map((node) => stepAttempt(node, depthOf));
  spans.children.forEach((child, index) => attempts.push(childAttempt(child.root, children[index]!, depthOf)));
  return attempts;
}

function stepAttempt(node: SpanNode, depthOf: (node: SpanNode) => number): Attempt {
  const { event } = node;
  const state = stateOfStep(event);
  const failed = isFailure(state);
  const { errorType, errorMessage } = event;
  return { event, state, failed, errorType, errorMessage, depth: failed ? depthOf(node) : 0, isChild: false };
}

/** A child run is a step of its parent; what broke the child is the step's error, unless its root says it itself. */
function childAttempt(root: SpanNode, child: DerivedRun, depthOf: (node: SpanNode) => number): Attempt {
  const failed = isFailure(child.state);
  return {
    event: root.event,
    state: child.state,
    failed,
    errorType: root.event.errorType || (failed ? child.errorType : ''),
    errorMessage: root.event.errorMessage || (failed ? child.errorMessage : ''),
    depth: failed ? depthOf(root) : 0,
    isChild: true,
  };
}

/** Distinct steps with an execution whose last attempt failed. */
function countErrored(executions: readonly Execution[]): number {
  return countDistinct(executions.filter((execution) => lastAttempt(execution).failed));
}

function countDistinct(executions: readonly Execution[]): number {
  if (executions.length < 2) return executions.length;
  return new Set(executions.map((execution) => stepIdentity(execution.attempts[0]!.event))).size;
}

function evidenceOf(spans: RunSpans, depthOf: (node: SpanNode) => number): Evidence[] {
  return spans.evidence.map((node) => ({ event: node.event, depth: depthOf(node) }));
}

function deriveStep(execution: Execution, blamed: boolean, flags: Set<Quality>): DerivedStep {
  const last = lastAttempt(execution);
  const start = shownTimes(execution.attempts[0]!.event, flags).start;
  const times = shownTimes(last.event, flags);
  const highest = execution.attempts.reduce((max, { event }) => Math.max(max, event.attempt), 0);
  return {
    step: execution.step,
    execution: execution.number,
    kind: last.isChild ? 'child' : 'step',
    verb: last.event.verb,
    stepKey: last.event.stepKey,
    state: last.state,
    attemptCount: Math.max(execution.attempts.length, highest),
    startedAt: start,
    endedAt: times.end,
    durationUs: times.durationUs === null ? null : Math.max(0, microsBetween(start, times.end)),
    errorType: last.failed ? last.errorType : '',
    errorMessage: last.failed ? last.errorMessage : '',
    blamed,
    attempts: execution.attempts.map((attempt) => attempt.event),
  };
}

/** From the first root's start to the last root's end: a suspended run went on under several. */
function wholeDuration(spans: RunSpans, start: Instant, last: ShownTimes): number | null {
  if (last.durationUs === null || spans.roots.length === 1) return last.durationUs;
  return Math.max(0, microsBetween(start, last.end));
}

function queueOf(
  spans: RunSpans,
  start: Instant,
  flags: Set<Quality>,
): { readonly enqueuedAt: Instant | null; readonly queueUs: number | null } {
  const enqueuedAt = spans.roots.find((node) => node.event.enqueuedAt !== null)?.event.enqueuedAt ?? null;
  if (enqueuedAt === null) return { enqueuedAt, queueUs: null };
  const queueUs = microsBetween(enqueuedAt, start);
  if (queueUs < 0) flags.add('clock_skew');
  return { enqueuedAt, queueUs: Math.max(0, queueUs) };
}

function allEvents(spans: RunSpans): Event[] {
  return [...spans.roots, ...spans.steps, ...spans.evidence].map((node) => node.event);
}
