/**
 * The ledger rows of one run: what was derived, stamped with key and version; tombstones for keys that were given up.
 * Owns the mapping from derived runs to rows; what changed, and since when, is decided by the publisher.
 */
import type { InFlightRow, RunKey, RunRow, StepRow } from '../../schema/rows.ts';
import type { Quality } from '../../schema/state.ts';
import type { DerivedRun, DerivedStep } from '../derive/derived-run.ts';
import { spanRecordOf } from './span-record.ts';
import type { StepKey } from './published-run.ts';

const EPOCH = { us: 0, ns: 0 };

export function runRow(run: DerivedRun, key: RunKey, version: number, quality: readonly Quality[]): RunRow {
  const root = run.spans[0];
  return {
    key,
    version,
    deleted: false,
    service: run.service,
    serviceVersion: run.serviceVersion,
    dialect: run.dialect,
    state: run.state,
    trigger: run.trigger,
    groupId: '',
    parentRunId: run.parentRunId,
    traceId: run.traceId,
    enqueuedAt: run.enqueuedAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    durationUs: run.durationUs,
    queueUs: run.queueUs,
    failingStep: run.failingStep,
    errorType: run.errorType,
    errorMessage: run.errorMessage,
    steps: run.distinctSteps,
    erroredSteps: run.erroredSteps,
    attempts: run.attempts,
    completed: run.completed,
    recovered: run.recovered,
    quality,
    spans: run.spans.map((event) => spanRecordOf(event, root, run.process)),
  };
}

export function stepRow(run: DerivedRun, step: DerivedStep, key: RunKey, version: number): StepRow {
  const root = run.spans[0];
  const last = step.attempts.at(-1)!;
  return {
    key,
    step: step.step,
    execution: step.execution,
    version,
    deleted: false,
    runEndedAt: run.endedAt,
    kind: step.kind,
    verb: step.verb,
    stepKey: step.stepKey,
    state: step.state,
    attempts: step.attemptCount,
    startedAt: step.startedAt,
    endedAt: step.endedAt,
    durationUs: step.durationUs,
    errorType: step.errorType,
    errorMessage: step.errorMessage,
    cached: false,
    blamed: step.blamed,
    traceId: last.traceId,
    spanId: last.spanId,
    spans: step.attempts.map((event) => spanRecordOf(event, root, step.step)),
  };
}

/** Says that the run's key holds nothing any more. */
export function runTombstone(key: RunKey, version: number): RunRow {
  return {
    key,
    version,
    deleted: true,
    service: '',
    serviceVersion: '',
    dialect: '',
    state: 'SKIPPED',
    trigger: '',
    groupId: '',
    parentRunId: '',
    traceId: '',
    enqueuedAt: null,
    startedAt: EPOCH,
    endedAt: EPOCH,
    durationUs: null,
    queueUs: null,
    failingStep: '',
    errorType: '',
    errorMessage: '',
    steps: 0,
    erroredSteps: 0,
    attempts: 0,
    completed: false,
    recovered: false,
    quality: [],
    spans: [],
  };
}

export function stepTombstone(key: RunKey, { step, execution }: StepKey, version: number): StepRow {
  return {
    key,
    step,
    execution,
    version,
    deleted: true,
    runEndedAt: EPOCH,
    kind: '',
    verb: '',
    stepKey: '',
    state: 'SKIPPED',
    attempts: 0,
    startedAt: EPOCH,
    endedAt: EPOCH,
    durationUs: null,
    errorType: '',
    errorMessage: '',
    cached: false,
    blamed: false,
    traceId: '',
    spanId: '',
    spans: [],
  };
}

/** Says that the run is not in flight any more. */
export function inFlightTombstone(row: InFlightRow, version: number): InFlightRow {
  return { ...row, version, deleted: true };
}
