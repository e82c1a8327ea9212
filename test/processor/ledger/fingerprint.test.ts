/** The fingerprint sees everything that a run's rows say, also what comes from other runs. */
import { expect, it } from 'vitest';
import { deriveRuns } from '../../../processor/derive/derive.ts';
import { partition } from '../../../processor/derive/run-spans.ts';
import type { Event } from '../../../processor/event.ts';
import { fingerprintOf } from '../../../processor/ledger/fingerprint.ts';
import { run, step } from '../../support/events.ts';

function fingerprintOfParent(...events: Event[]): number {
  const runs = [...deriveRuns(partition(events).runs).values()];
  return fingerprintOf(runs.find((each) => each.process === 'p')!);
}

it('changes with the error of a child run, which its root does not carry', () => {
  const family = (errorType: string, errorMessage: string): Event[] => [
    run('r', '', 0, 9),
    run('c', 'r', 1, 8, { process: 'child' }),
    step('s', 'c', 2, 3, { status: 2, errorType, errorMessage }),
  ];
  const marks = [family('A', 'x'), family('B', 'x'), family('A', 'y')].map((events) => fingerprintOfParent(...events));
  expect(new Set(marks).size).toBe(3);
  expect(fingerprintOfParent(...family('A', 'x'))).toBe(marks[0]);
});
