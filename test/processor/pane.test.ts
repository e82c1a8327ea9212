/** A pane's rows are a function of the set of contributions in it, whatever was put, overwritten and removed before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Contribution, RunHash } from '../../processor/panes/contribution.ts';
import { Pane } from '../../processor/panes/pane.ts';

const contributions: fc.Arbitrary<Contribution> = fc.record({
  environment: fc.constant('prod'),
  process: fc.constant('checkout'),
  runHashHigh: fc.constantFrom(1, 2, 0xffff_ffff),
  runHashLow: fc.constantFrom(1, 2, 16),
  endedAt: fc.constant(60_000_000),
  state: fc.constantFrom('SUCCEEDED', 'FAILED', 'ABANDONED', 'CANCELLED', 'SKIPPED', 'CONTINUED'),
  completed: fc.boolean(),
  recovered: fc.boolean(),
  late: fc.boolean(),
  sampled: fc.boolean(),
  durationUs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
  queueUs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
  steps: fc.array(
    fc.record({
      step: fc.constantFrom('charge', 'ship'),
      executions: fc.nat(3),
      errors: fc.nat(3),
      attempts: fc.nat(3),
      blamed: fc.nat(1),
      durationsMs: fc.array(fc.integer({ min: 0, max: 9 }).map((us) => us / 1000)),
    }),
    { maxLength: 2 },
  ),
});

const keyOf = (run: RunHash): string => `${run.runHashHigh}.${run.runHashLow}`;

it('equals the pane of what is left, after any history of puts, removals and readings', () => {
  const action = fc.oneof(
    contributions,
    fc.constantFrom(1, 2, 16).map((low) => ({ remove: { runHashHigh: 1, runHashLow: low } })),
    fc.constant('read'),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const pane = new Pane('1m', 60, 'prod', 'checkout');
      const left = new Map<string, Contribution>();
      for (const [index, action] of actions.entries()) {
        if (typeof action === 'string') pane.processRow(index);
        else if ('remove' in action) {
          pane.remove(action.remove);
          left.delete(keyOf(action.remove));
        } else {
          pane.put(action);
          left.set(keyOf(action), action);
        }
      }
      const fresh = new Pane('1m', 60, 'prod', 'checkout');
      for (const contribution of left.values()) fresh.put(contribution);
      expect(pane.processRow(1)).toEqual(fresh.processRow(1));
      const rows = pane.stepRows(1).filter((row) => row.executions + row.errors + row.attempts + row.blamed > 0);
      expect(new Set(rows)).toEqual(
        new Set(fresh.stepRows(1).filter((row) => row.executions + row.errors + row.attempts + row.blamed > 0)),
      );
    }),
    { numRuns: 500 },
  );
});

it('says its counts, sum, greatest and digest', () => {
  const pane = new Pane('1h', 3600, '', 'p');
  const base = {
    environment: '',
    process: 'p',
    endedAt: 3_600_000_000,
    recovered: false,
    late: false,
    sampled: true,
    queueUs: null,
  };
  pane.put({
    ...base,
    runHashHigh: 0,
    runHashLow: 1,
    state: 'SUCCEEDED',
    completed: true,
    durationUs: 2000,
    steps: [],
  });
  pane.put({ ...base, runHashHigh: 0, runHashLow: 2, state: 'FAILED', completed: false, durationUs: 1000, steps: [] });
  pane.put({
    ...base,
    runHashHigh: 0,
    runHashLow: 3,
    state: 'CANCELLED',
    completed: false,
    durationUs: null,
    steps: [],
  });
  expect(pane.processRow(7)).toMatchObject({
    version: 7,
    succeeded: 1,
    failed: 1,
    cancelled: 1,
    completed: 1,
    sampled: 3,
    durationSumUs: 3000,
    durationMaxUs: 2000,
    // Two values, 1 ms and 2 ms, of weight one each.
    duration: new Uint8Array([2, 0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40, 0, 0, 0x80, 0x3f]),
    queue: new Uint8Array([0]),
  });
});
