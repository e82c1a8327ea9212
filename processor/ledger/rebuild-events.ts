/**
 * The events of a run from its rows: the inverse of span-record.ts, for runs that have left memory.
 * Owns the decoding; with it the ledger is as good as the journal was, so that a late span meets the whole run again.
 */
import type { Dialect } from '../../schema/dialect.ts';
import type { Micros } from '../../schema/journal-record.ts';
import type { Instant, RunRow, SpanRecord, StepRow } from '../../schema/rows.ts';
import { EventRole, type Event } from '../event.ts';

/** What a record leaves out because the run's root says it. */
type Usual = Pick<Event, 'dialect' | 'environment' | 'service' | 'serviceVersion' | 'resource'>;

type Details = Readonly<Record<string, unknown>>;

/** @returns each span once, in no particular order; a receipt that is not stored reads as the span's end */
export function rebuildEvents(run: RunRow, steps: readonly StepRow[], dialects: readonly Dialect[]): Event[] {
  const events = new Map<string, Event>();
  const usual = usualOf(run);
  const add = (record: SpanRecord, rowName: string): void => {
    const key = record.traceId + record.spanId;
    if (!events.has(key)) events.set(key, rebuildEvent(record, rowName, usual, dialects));
  };
  for (const record of run.spans) add(record, run.key.process);
  for (const step of steps) for (const record of step.spans) add(record, step.step);
  return [...events.values()];
}

function usualOf(run: RunRow): Usual {
  const root = run.spans[0];
  const resource = root === undefined ? 0 : numberIn(detailsOf(root), 'resource', 0);
  const { dialect, service, serviceVersion } = run;
  return { dialect, environment: run.key.environment, service, serviceVersion, resource };
}

function rebuildEvent(record: SpanRecord, rowName: string, usual: Usual, dialects: readonly Dialect[]): Event {
  const details = detailsOf(record);
  const role = numberIn(details, 'role', EventRole.STEP) as EventRole;
  const isStep = role === EventRole.STEP;
  const dialect = textIn(details, 'dialect', usual.dialect);
  const { traceId, spanId, parentSpanId, start, end, status, hashHigh, hashLow } = record;
  return {
    role,
    dialect,
    unsetIsSuccess: dialects.find((known) => known.name === dialect)?.unset === 'success',
    traceId,
    spanId,
    parentSpanId,
    remoteParent: 'remote' in details,
    start,
    end,
    status,
    name: textIn(details, 'name', rowName),
    process: textIn(details, 'process', isStep ? '' : rowName),
    runId: textIn(details, 'run_id', ''),
    stepName: textIn(details, 'step', isStep ? rowName : ''),
    stepKey: textIn(details, 'key', ''),
    verb: textIn(details, 'verb', ''),
    attempt: numberIn(details, 'attempt', 0),
    environment: textIn(details, 'environment', usual.environment),
    service: textIn(details, 'service', usual.service),
    serviceVersion: textIn(details, 'version', usual.serviceVersion),
    resource: numberIn(details, 'resource', usual.resource),
    outcome: textIn(details, 'outcome', '') as Event['outcome'],
    trigger: textIn(details, 'trigger', ''),
    enqueuedAt: instantIn(details, 'enqueued'),
    errorType: textIn(details, 'error_type', ''),
    errorMessage: textIn(details, 'error_message', ''),
    sampled: 'sampled' in details,
    hashHigh,
    hashLow,
    received: numberIn(details, 'received', end.us) satisfies Micros,
  };
}

function detailsOf(record: SpanRecord): Details {
  return record.details === '' ? {} : (JSON.parse(record.details) as Details);
}

function textIn(details: Details, key: string, usual: string): string {
  const value = details[key];
  return typeof value === 'string' ? value : usual;
}

function numberIn(details: Details, key: string, usual: number): number {
  const value = details[key];
  return typeof value === 'number' ? value : usual;
}

function instantIn(details: Details, key: string): Instant | null {
  const value = details[key];
  return Array.isArray(value) ? { us: Number(value[0]), ns: Number(value[1]) } : null;
}
