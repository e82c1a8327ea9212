/**
 * Runs that are known to be running but have not ended: what is derived of them when they fall silent.
 * Owns the grouping of waiting steps by the run they name, and the row of a run that is given up.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { DerivedRun } from './derived-run.ts';
import { deriveRuns } from './derive.ts';
import type { RunSpans } from './run-spans.ts';
import type { SpanNode } from './span-node.ts';

/** Runs of which only children are known: waiting spans that name both a process and a run id, and what goes with them. */
export function rootlessRuns(waiting: readonly SpanNode[]): RunSpans[] {
  const byRun = new Map<string, SpanNode[]>();
  for (const node of waiting) {
    const { environment, process, runId } = node.event;
    if (process === '' || runId === '') continue;
    const key = `${environment}\0${process}\0${runId}`;
    const known = byRun.get(key);
    if (known === undefined) byRun.set(key, [node]);
    else known.push(node);
  }
  return [...byRun.values()].map((steps) => rootlessRun(steps));
}

/** The span that started first stands in for the root where a row needs one. */
function rootlessRun(steps: SpanNode[]): RunSpans {
  const first = steps[0]!;
  const { environment, process, runId } = first.event;
  return {
    environment,
    process,
    runId,
    roots: [first],
    root: first,
    steps,
    evidence: [],
    children: [],
    parent: null,
    ambiguous: false,
  };
}

/** A run without a sign for its timeout: ABANDONED at the last sign + timeout, nothing about its end was measured. */
export function deriveAbandoned(spans: RunSpans, hasRoot: boolean, timeout: Micros): DerivedRun {
  const run = deriveRuns([spans]).get(spans)!;
  const quality = new Set([...run.quality, 'synthetic_end' as const]);
  if (!hasRoot) quality.add('no_root');
  return {
    ...run,
    state: 'ABANDONED',
    endedAt: { us: run.lastReceived + timeout, ns: 0 },
    durationUs: null,
    failingStep: '(timeout)',
    errorType: '',
    errorMessage: '',
    completed: false,
    recovered: false,
    quality: [...quality].toSorted(),
    steps: run.steps.map((step) => (step.blamed ? { ...step, blamed: false } : step)),
    spans: hasRoot ? run.spans : [],
  };
}
