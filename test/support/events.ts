/** Events for tests of derive: sparse, everything not said is the usual. Times are seconds after a fixed start. */
import { EventRole, type Event } from '../../processor/event.ts';
import type { Instant } from '../../schema/rows.ts';

export const RECEIVED_US = 1_790_000_000_000_000;
const START_US = RECEIVED_US - 1_000_000_000;

export function at(seconds: number): Instant {
  return { us: START_US + Math.round(seconds * 1_000_000), ns: 0 };
}

type Details = Partial<Omit<Event, 'start' | 'end'>>;

/** A span id that sorts as its name does. */
function idOf(name: string): string {
  return name.padStart(8, '0');
}

function event(id: string, parent: string, from: number, to: number, details: Details): Event {
  return {
    role: EventRole.STEP,
    dialect: 'native',
    unsetIsSuccess: false,
    traceId: 't'.padStart(16, '0'),
    spanId: idOf(id),
    parentSpanId: parent === '' ? '' : idOf(parent),
    remoteParent: false,
    start: at(from),
    end: at(to),
    status: 0,
    name: id,
    process: '',
    runId: '',
    stepName: '',
    stepKey: '',
    verb: '',
    attempt: 0,
    environment: '',
    service: 'svc',
    serviceVersion: '',
    resource: 1,
    outcome: '',
    trigger: '',
    enqueuedAt: null,
    errorType: '',
    errorMessage: '',
    sampled: false,
    hashHigh: 0,
    hashLow: 0,
    received: RECEIVED_US,
    ...details,
  };
}

/** A named workflow span: `process` defaults to `p`. */
export function run(id: string, parent: string, from: number, to: number, details: Details = {}): Event {
  return event(id, parent, from, to, { role: EventRole.WORKFLOW, process: 'p', ...details });
}

/** A workflow span without a name of its own. */
export function unnamed(id: string, parent: string, from: number, to: number, details: Details = {}): Event {
  return event(id, parent, from, to, { role: EventRole.WORKFLOW, ...details });
}

export function step(id: string, parent: string, from: number, to: number, details: Details = {}): Event {
  return event(id, parent, from, to, { stepName: id, ...details });
}

/** An untagged span; an error unless said otherwise. */
export function untagged(id: string, parent: string, from: number, to: number, details: Details = {}): Event {
  return event(id, parent, from, to, { role: EventRole.UNTAGGED, dialect: '', status: 2, ...details });
}
