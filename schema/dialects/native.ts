/** The native dialect: attribute `op` and the step name attributes (DESIGN: native dialect; our SDK sends it). */
import type { Dialect } from '../dialect.ts';

export const native: Dialect = {
  name: 'native',
  roles: [
    { role: 'step', when: { attribute: 'op', values: ['workflow.step', 'step'] } },
    { role: 'step', when: { attribute: 'step.name' } },
    { role: 'step', when: { attribute: 'workflow.step.name' } },
    { role: 'step', when: { attribute: 'awaitly.step.name' } },
    { role: 'workflow', when: { attribute: 'op', values: ['workflow'], mayBeUndecided: true } },
  ],
  attributes: {
    process: ['workflow.name'],
    runId: ['workflow.run_id'],
    trigger: ['workflow.trigger'],
    enqueuedAt: ['workflow.enqueued_at'],
    stepName: ['step.name', 'workflow.step.name', 'awaitly.step.name'],
    stepKey: ['step.key', 'workflow.step.key'],
    stepVerb: ['step.verb', 'http.request.method', 'db.operation.name', 'rpc.method'],
    stepAttempt: ['step.attempt'],
    errorType: ['error.type'],
    errorMessage: ['error.message'],
  },
  outcome: {
    attribute: 'workflow.outcome',
    values: {
      success: 'success',
      failure: 'failure',
      cancelled: 'cancelled',
      skipped: 'skipped',
      suspended: 'suspended',
    },
  },
  unset: 'nothing',
  inFlight: 'children',
};
