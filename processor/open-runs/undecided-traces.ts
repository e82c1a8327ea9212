/**
 * The traces that hold a workflow span whose role may hang on the sight of the trace's local root.
 * Owns the set that the receiver is asked to watch for; the decision itself is derive/roles.ts.
 */
import type { RootWatch } from '../../schema/span-batch.ts';
import { EventRole, isLocalRoot, type Event } from '../event.ts';

export class UndecidedTraces implements RootWatch {
  readonly #traces = new Set<string>();

  active(): boolean {
    return this.#traces.size > 0;
  }

  watches(traceId: string): boolean {
    return this.#traces.has(traceId);
  }

  /** @param known gives the kept spans of the event's group, this one among them */
  note(event: Event, known: () => readonly Event[]): void {
    if (isLocalRoot(event)) {
      if (this.#traces.size > 0) this.#traces.delete(event.traceId);
    } else if (mayBeUndecided(event) && !hasLocalRoot(known(), event.traceId)) {
      this.#traces.add(event.traceId);
    }
  }

  forget(traceIds: readonly string[]): void {
    for (const traceId of traceIds) this.#traces.delete(traceId);
  }
}

/** A workflow span without a name of its own and with a parent in its own process. */
export function mayBeUndecided(event: Event): boolean {
  return event.role === EventRole.WORKFLOW && event.process === '' && !isLocalRoot(event);
}

function hasLocalRoot(events: readonly Event[], traceId: string): boolean {
  return events.some((event) => event.traceId === traceId && isLocalRoot(event));
}
