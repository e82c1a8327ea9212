/** Which fields of an event its content hash covers, and in which order. Part of the stored data format. */
import type { Event } from '../event.ts';
import type { ContentHash } from './content-hash.ts';

/** Leaves the hash of the event's mapped fields in `hash`; ids and receipt are no content. */
export function hashEvent(hash: ContentHash, event: Event): void {
  hash.reset();
  hash.word(event.role | (event.status << 2) | (event.remoteParent ? 16 : 0) | (event.sampled ? 32 : 0));
  // Environment, service and version are the resource's.
  hash.word(event.resource);
  hash.text(event.dialect);
  hash.text(event.parentSpanId);
  hash.instant(event.start);
  hash.instant(event.end);
  hash.text(event.name);
  hash.text(event.process);
  hash.text(event.runId);
  hash.text(event.stepName);
  hash.text(event.stepKey);
  hash.text(event.verb);
  hash.word(event.attempt);
  hash.text(event.outcome);
  hash.text(event.trigger);
  if (event.enqueuedAt !== null) hash.instant(event.enqueuedAt);
  hash.text(event.errorType);
  hash.text(event.errorMessage);
}
