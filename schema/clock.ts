/** The wall clock as a stage sees it; service/main.ts passes the real one, tests their own. */
import type { Micros } from './journal-record.ts';

export interface Clock {
  /** Microseconds since the Unix epoch. */
  now(): Micros;
}
