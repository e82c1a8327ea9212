/**
 * An event as the ledger keeps it: ids, hash and times in columns, the rest as compact JSON of what is not usual.
 * Owns that encoding; with the row's own columns it says everything that the event said.
 */
import type { SpanRecord } from '../../schema/rows.ts';
import { EventRole, type Event } from '../event.ts';

/**
 * @param root the run's deciding root: what is the same there is not repeated
 * @param rowName the row's step, or its process: what a span is usually called
 */
export function spanRecordOf(event: Event, root: Event | undefined, rowName: string): SpanRecord {
  return {
    traceId: event.traceId,
    spanId: event.spanId,
    parentSpanId: event.parentSpanId,
    hashHigh: event.hashHigh,
    hashLow: event.hashLow,
    start: event.start,
    end: event.end,
    status: event.status,
    details: detailsOf(event, root, rowName),
  };
}

function detailsOf(event: Event, root: Event | undefined, rowName: string): string {
  if (event === root && isPlainRoot(event, rowName)) return `{"role":${event.role},"resource":${event.resource}}`;
  const details: Record<string, unknown> = {};
  if (event.role !== EventRole.STEP) details['role'] = event.role;
  if (event.name !== rowName) details['name'] = event.name;
  if (event.stepName !== (event.role === EventRole.STEP ? rowName : '')) details['step'] = event.stepName;
  if (event.role === EventRole.STEP && event.process !== '') details['process'] = event.process;
  if (event.role !== EventRole.STEP && event.process !== rowName) details['process'] = event.process;
  addTexts(details, event, root);
  if (event.attempt !== 0) details['attempt'] = event.attempt;
  if (event.remoteParent) details['remote'] = 1;
  if (event.sampled) details['sampled'] = 1;
  if (event.resource !== root?.resource || event === root) details['resource'] = event.resource;
  if (event.enqueuedAt !== null) details['enqueued'] = [event.enqueuedAt.us, event.enqueuedAt.ns];
  // A receipt only matters where an end lies after it.
  if (event.end.us > event.received) details['received'] = event.received;
  for (const _ in details) return JSON.stringify(details);
  return '';
}

/** The usual root: the run row's own columns say the rest. */
function isPlainRoot(event: Event, rowName: string): boolean {
  return (
    event.name === rowName &&
    event.process === rowName &&
    event.stepName === '' &&
    event.stepKey === '' &&
    event.verb === '' &&
    event.runId === '' &&
    event.outcome === '' &&
    event.trigger === '' &&
    event.errorType === '' &&
    event.errorMessage === '' &&
    event.attempt === 0 &&
    !event.remoteParent &&
    !event.sampled &&
    event.enqueuedAt === null &&
    event.end.us <= event.received
  );
}

/** Texts that differ from the root's, or that only this span has. */
function addTexts(details: Record<string, unknown>, event: Event, root: Event | undefined): void {
  if (event.dialect !== root?.dialect) details['dialect'] = event.dialect;
  if (event.environment !== root?.environment) details['environment'] = event.environment;
  if (event.service !== root?.service) details['service'] = event.service;
  if (event.serviceVersion !== root?.serviceVersion) details['version'] = event.serviceVersion;
  if (event.stepKey !== '') details['key'] = event.stepKey;
  if (event.verb !== '') details['verb'] = event.verb;
  if (event.runId !== '') details['run_id'] = event.runId;
  if (event.outcome !== '') details['outcome'] = event.outcome;
  if (event.trigger !== '') details['trigger'] = event.trigger;
  if (event.errorType !== '') details['error_type'] = event.errorType;
  if (event.errorMessage !== '') details['error_message'] = event.errorMessage;
}
