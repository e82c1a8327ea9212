/**
 * Tells whether a run derived anew says something else than its rows. Owns the choice of what is compared: all that
 * the rows are made of, but never the marks of lateness.
 */
import type { DerivedRun, DerivedStep } from '../derive/derived-run.ts';
import type { Event } from '../event.ts';
import { ContentHash } from '../interpret/content-hash.ts';

/** 52 bits of the content's hash: a change goes unseen once in 4 × 10^15. */
export function fingerprintOf(run: DerivedRun): number {
  const hash = new ContentHash();
  hash.reset();
  hash.text(run.state);
  hash.text(run.parentRunId);
  hash.text(run.failingStep);
  hash.text(run.errorType);
  hash.text(run.errorMessage);
  hash.instant(run.startedAt);
  hash.instant(run.endedAt);
  for (const mark of run.quality) hash.text(mark);
  for (const event of run.spans) addSpan(hash, event);
  for (const step of run.steps) addStep(hash, step);
  return hash.high * 0x10_0000 + (hash.low & 0xf_ffff);
}

function addStep(hash: ContentHash, step: DerivedStep): void {
  hash.text(step.step);
  hash.word(step.execution);
  hash.text(step.state);
  hash.word(step.blamed ? 1 : 0);
  // A child run's error is not in its root's content.
  hash.text(step.errorType);
  hash.text(step.errorMessage);
  for (const event of step.attempts) addSpan(hash, event);
}

function addSpan(hash: ContentHash, event: Event): void {
  hash.text(event.spanId);
  hash.word(event.hashHigh);
  hash.word(event.hashLow);
}
