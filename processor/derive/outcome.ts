/**
 * How a run ended, from its root and its steps (DESIGN section 4, "Outcome").
 * Owns the decision; a dialect's own statement about the outcome comes before the status.
 */
import type { OutcomeValue } from '../../schema/dialect.ts';
import type { RunState } from '../../schema/state.ts';
import { StatusCode, type Event } from '../event.ts';

export function stateOfRoot(root: Event, erroredSteps: number): RunState {
  if (root.outcome !== '') return stateOfOutcome(root.outcome);
  if (root.status === StatusCode.ERROR) return 'FAILED';
  if (root.status === StatusCode.OK || root.unsetIsSuccess) return 'SUCCEEDED';
  // OTel does not propagate a step's status to its root: UNSET claims nothing.
  return erroredSteps === 0 ? 'SUCCEEDED' : 'FAILED';
}

/** A step claims success by not being ERROR; a workflow span that turned out to be a step may state its outcome. */
export function stateOfStep(step: Event): RunState {
  if (step.outcome !== '') return stateOfOutcome(step.outcome);
  return step.status === StatusCode.ERROR ? 'FAILED' : 'SUCCEEDED';
}

function stateOfOutcome(outcome: OutcomeValue): RunState {
  switch (outcome) {
    case 'success':
      return 'SUCCEEDED';
    case 'failure':
      return 'FAILED';
    case 'cancelled':
      return 'CANCELLED';
    case 'skipped':
      return 'SKIPPED';
    case 'suspended':
      return 'SUSPENDED';
    default:
      return outcome satisfies never;
  }
}

export function isFailure(state: RunState): boolean {
  return state === 'FAILED' || state === 'ABANDONED';
}

/** In the denominator of both rates. */
export function isCounted(state: RunState): boolean {
  return state === 'SUCCEEDED' || isFailure(state);
}
