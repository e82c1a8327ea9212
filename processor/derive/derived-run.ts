/**
 * What `derive` says about a run: the row's content without the marks of time and place (version, opened day, writer).
 * Owns the shape only.
 */
import type { Instant } from '../../schema/rows.ts';
import type { Quality, RunState } from '../../schema/state.ts';
import type { Event } from '../event.ts';

export interface DerivedStep {
  readonly step: string;
  readonly execution: number;
  readonly kind: string;
  readonly verb: string;
  readonly stepKey: string;
  readonly state: RunState;
  /** Spans, or the highest attempt number they carry when that is more. */
  readonly attemptCount: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly durationUs: number | null;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly blamed: boolean;
  /** The attempts' spans in order; never empty. */
  readonly attempts: readonly Event[];
}

export interface DerivedRun {
  readonly environment: string;
  readonly process: string;
  readonly runId: string;
  readonly state: RunState;
  readonly service: string;
  readonly serviceVersion: string;
  readonly dialect: string;
  readonly trigger: string;
  readonly parentRunId: string;
  readonly traceId: string;
  readonly enqueuedAt: Instant | null;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly durationUs: number | null;
  readonly queueUs: number | null;
  readonly failingStep: string;
  readonly errorType: string;
  readonly errorMessage: string;
  readonly distinctSteps: number;
  readonly erroredSteps: number;
  readonly attempts: number;
  readonly completed: boolean;
  readonly recovered: boolean;
  readonly quality: readonly Quality[];
  readonly steps: readonly DerivedStep[];
  /** Roots, the deciding one first, and evidence: the spans that the run row itself stands for. */
  readonly spans: readonly Event[];
  /** The earliest and the latest receipt among all its spans. */
  readonly firstReceived: number;
  readonly lastReceived: number;
}
