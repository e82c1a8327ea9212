/**
 * Sentry's SDK: `Sentry.startSpan({ op: 'workflow' })` writes the attribute `sentry.op`, read as native reads `op`.
 * Source: getsentry/sentry-javascript packages/core/src/semanticAttributes.ts.
 */
import type { Dialect } from '../dialect.ts';
import { native } from './native.ts';

export const sentry: Dialect = {
  ...native,
  name: 'sentry',
  roles: [
    { role: 'step', when: { attribute: 'sentry.op', values: ['workflow.step', 'step'] } },
    { role: 'workflow', when: { attribute: 'sentry.op', values: ['workflow'], mayBeUndecided: true } },
  ],
};
