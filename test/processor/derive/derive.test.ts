/** derive, case by case: each rule of the semantics as a small set of spans and what a reader should see. */
import { describe, expect, it } from 'vitest';
import { deriveRuns } from '../../../processor/derive/derive.ts';
import type { DerivedRun } from '../../../processor/derive/derived-run.ts';
import { partition } from '../../../processor/derive/run-spans.ts';
import type { Event } from '../../../processor/event.ts';
import { at, RECEIVED_US, run, step, unnamed, untagged } from '../../support/events.ts';

const ERROR = 2;

function derive(...events: Event[]): DerivedRun[] {
  return [...deriveRuns(partition(events).runs).values()].toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
}

function only(...events: Event[]): DerivedRun {
  const runs = derive(...events);
  expect(runs).toHaveLength(1);
  return runs[0]!;
}

const tries = (of: DerivedRun, name: string): string[] =>
  of.steps.filter((each) => each.step === name).map((each) => each.attempts.map((one) => one.name).join(','));

describe('outcome', () => {
  it.each([
    ['ERROR is failure', { status: ERROR }, [], 'FAILED', false],
    ['OK is success, whatever the steps', { status: 1 }, [step('a', 'r', 1, 2, { status: ERROR })], 'SUCCEEDED', false],
    ['UNSET is success without an errored step', {}, [step('a', 'r', 1, 2)], 'SUCCEEDED', true],
    ['UNSET is failure with one', {}, [step('a', 'r', 1, 2, { status: ERROR })], 'FAILED', false],
    [
      'UNSET by the engine is success',
      { unsetIsSuccess: true },
      [step('a', 'r', 1, 2, { status: ERROR })],
      'SUCCEEDED',
      false,
    ],
    ['a stated outcome decides over the status', { status: ERROR, outcome: 'success' as const }, [], 'SUCCEEDED', true],
    ['failure stated with OK', { status: 1, outcome: 'failure' as const }, [], 'FAILED', false],
    ['cancelled', { outcome: 'cancelled' as const }, [step('a', 'r', 1, 2, { status: ERROR })], 'CANCELLED', false],
    ['skipped', { outcome: 'skipped' as const }, [], 'SKIPPED', false],
  ])('%s', (_, root, steps, state, completed) => {
    expect(only(run('r', '', 0, 9, root), ...steps)).toMatchObject({ state, completed });
  });
});

describe('attempts', () => {
  it('a span takes the earliest-ended failed execution that ended before it started', () => {
    const derived = only(
      run('r', '', 0, 9),
      step('a1', 'r', 1, 3, { stepName: 's', status: ERROR }),
      step('a2', 'r', 1, 2, { stepName: 's', status: ERROR }),
      step('a3', 'r', 3.5, 4, { stepName: 's' }),
      step('a4', 'r', 3.6, 4, { stepName: 's' }),
    );
    expect(tries(derived, 's')).toEqual(['a1,a4', 'a2,a3']);
    expect(derived).toMatchObject({
      state: 'SUCCEEDED',
      completed: true,
      recovered: true,
      distinctSteps: 1,
      attempts: 4,
    });
  });

  it('successes do not take a successor: a loop', () => {
    const derived = only(
      run('r', '', 0, 9),
      step('a1', 'r', 1, 2, { stepName: 's' }),
      step('a2', 'r', 3, 4, { stepName: 's' }),
    );
    expect(tries(derived, 's')).toEqual(['a1', 'a2']);
    expect(derived.steps.map((each) => each.execution)).toEqual([1, 2]);
  });

  it('an overlap of 100 ms is forgiven only between different resources', () => {
    const spans = (resource: number): Event[] => [
      run('r', '', 0, 9),
      step('a1', 'r', 1, 2, { stepName: 's', status: ERROR }),
      step('a2', 'r', 1.95, 3, { stepName: 's', resource }),
    ];
    expect(tries(only(...spans(1)), 's')).toEqual(['a1', 'a2']);
    expect(tries(only(...spans(2)), 's')).toEqual(['a1,a2']);
  });

  it('attempt numbers decide when present', () => {
    const derived = only(
      run('r', '', 0, 9),
      step('a1', 'r', 1, 2, { stepName: 's', attempt: 1, status: ERROR }),
      step('b1', 'r', 1, 3, { stepName: 's', attempt: 1, status: ERROR }),
      step('b2', 'r', 3.5, 4, { stepName: 's', attempt: 1 }),
      step('a2', 'r', 1.5, 5, { stepName: 's', attempt: 2 }),
    );
    expect(tries(derived, 's')).toEqual(['a1,a2', 'b1', 'b2']);
    expect(derived.erroredSteps).toBe(1);
  });

  it('the highest number counts where earlier attempts were never seen', () => {
    expect(only(run('r', '', 0, 9), step('a', 'r', 1, 2, { attempt: 3 })).attempts).toBe(3);
  });

  it('keys keep executions of one name apart', () => {
    const derived = only(
      run('r', '', 0, 9),
      step('a1', 'r', 1, 2, { stepName: 's', stepKey: 'x', status: ERROR }),
      step('a2', 'r', 3, 4, { stepName: 's', stepKey: 'y' }),
    );
    expect(derived).toMatchObject({ state: 'FAILED', distinctSteps: 2, erroredSteps: 1, failingStep: 's' });
  });
});

describe('failing step', () => {
  it('is the deepest: a parent that propagates is not blamed', () => {
    const derived = only(
      run('r', '', 0, 9, { status: ERROR }),
      step('outer', 'r', 1, 5, { status: ERROR, errorMessage: 'x' }),
      step('inner', 'outer', 2, 4, { status: ERROR, errorType: 'T', errorMessage: 'y' }),
    );
    expect(derived).toMatchObject({ failingStep: 'inner', errorType: 'T', errorMessage: 'y' });
    expect(derived.steps.find((each) => each.step === 'inner')).toMatchObject({ blamed: true });
  });

  it('ties go to the earliest end, then the smaller span id', () => {
    const failed = (id: string, to: number): Event => step(id, 'r', 1, to, { status: ERROR });
    expect(only(run('r', '', 0, 9), failed('a', 5), failed('b', 4)).failingStep).toBe('b');
    expect(only(run('r', '', 0, 9), failed('b', 4), failed('a', 4)).failingStep).toBe('a');
  });

  it('prefers the step whose error is the run’s own', () => {
    const derived = only(
      run('r', '', 0, 9, { status: ERROR, errorMessage: 'declined' }),
      step('charge', 'r', 3, 5, { status: ERROR, errorMessage: 'declined' }),
      step('log', 'r', 1, 2, { status: ERROR, errorMessage: 'disk full' }),
    );
    expect(derived.failingStep).toBe('charge');
  });

  it('a recovered failure is blamed only when its error is the run’s', () => {
    const spans = (message: string): Event[] => [
      run('r', '', 0, 9, { status: ERROR, errorMessage: message }),
      step('a1', 'r', 1, 2, { stepName: 's', status: ERROR, errorMessage: 'boom' }),
      step('a2', 'r', 3, 4, { stepName: 's' }),
    ];
    expect(only(...spans('boom'))).toMatchObject({ failingStep: 's', errorMessage: 'boom', erroredSteps: 0 });
    expect(only(...spans('other'))).toMatchObject({ failingStep: '(run)', errorMessage: 'other' });
  });

  it('evidence names what broke when no step does, but nothing above or outside the run', () => {
    const evidence = untagged('GET /stock', 'hidden', 2, 3, { errorMessage: '503' });
    const above = untagged('handler', '', 0, 10);
    expect(only(above, run('r', 'handler', 1, 9, { status: ERROR }), evidence)).toMatchObject({
      failingStep: 'GET /stock',
      errorMessage: '503',
    });
    expect(only(above, run('r', 'handler', 1, 9, { status: ERROR })).failingStep).toBe('(run)');
  });

  it('is empty for a complete run, and named for a success with an errored step', () => {
    expect(only(run('r', '', 0, 9), step('a', 'r', 1, 2)).failingStep).toBe('');
    const handled = only(run('r', '', 0, 9, { status: 1 }), step('a', 'r', 1, 2, { status: ERROR }));
    expect(handled).toMatchObject({ state: 'SUCCEEDED', completed: false, failingStep: 'a' });
  });
});

describe('membership', () => {
  it('a step across a gap belongs to the innermost run around it', () => {
    const derived = derive(
      run('a', '', 0, 20, { process: 'outer' }),
      run('b', 'a', 5, 15, { process: 'inner' }),
      step('s', 'hidden', 6, 7),
    );
    expect(derived.map((each) => [each.process, each.steps.map((one) => one.step)])).toEqual([
      ['outer', ['b']],
      ['inner', ['s']],
    ]);
  });

  it('of two unrelated runs around it, the one that started later; the choice is flagged', () => {
    const derived = derive(run('a', 'x', 0, 20), run('b', 'y', 5, 15), step('s', 'hidden', 6, 7));
    expect(derived.map((each) => [each.steps.length, each.quality])).toEqual([
      [0, []],
      [1, ['ambiguous']],
    ]);
  });

  it('and the outermost run of the trace when none is around it', () => {
    expect(only(run('r', '', 0, 5), step('s', 'hidden', 6, 7)).steps).toHaveLength(1);
  });

  it('an explicit run id finds its run in another trace', () => {
    const elsewhere = { traceId: 'u'.padStart(16, '0') };
    const derived = derive(
      run('r', '', 0, 9, { runId: 'order-1' }),
      step('s', 'x', 1, 2, { runId: 'order-1', ...elsewhere }),
    );
    expect(derived).toMatchObject([{ runId: 'order-1', distinctSteps: 1 }]);
    expect(partition([step('s', 'x', 1, 2, { runId: 'order-1' })]).waiting).toHaveLength(1);
  });

  it('two ended roots of one id are two runs, the later with its span id', () => {
    const ids = derive(run('a', '', 0, 1, { runId: 'x' }), run('b', '', 2, 3, { runId: 'x' })).map(
      (each) => each.runId,
    );
    expect(ids).toEqual(['x', `x@${Buffer.from('0000000b').toString('hex')}`]);
  });

  it('parents that are each other’s do no harm', () => {
    expect(derive(unnamed('a', 'b', 0, 5), unnamed('b', 'a', 1, 4))).toHaveLength(1);
  });

  it('a workflow of its parent’s own name is a step, of another name also a run', () => {
    expect(derive(run('r', '', 0, 9), run('s', 'r', 1, 2))).toMatchObject([{ distinctSteps: 1 }]);
    expect(derive(run('r', '', 0, 9), run('s', 'r', 1, 2, { process: 'q', status: ERROR }))).toMatchObject([
      { process: 'p', state: 'FAILED', failingStep: 's', steps: [{ kind: 'child', state: 'FAILED' }] },
      { process: 'q', state: 'FAILED', failingStep: '(run)' },
    ]);
  });
});

describe('times', () => {
  it('an end before its start is 0 and flagged', () => {
    expect(only(run('r', '', 5, 3))).toMatchObject({ durationUs: 0, quality: ['clock_skew'] });
  });

  it('an end more than five minutes after receipt is clamped to it', () => {
    const derived = only({ ...run('r', '', 0, 0), end: { us: RECEIVED_US + 301_000_000, ns: 5 } });
    expect(derived).toMatchObject({ endedAt: { us: RECEIVED_US, ns: 0 }, quality: ['clamped'] });
    const allowed = { us: RECEIVED_US + 299_000_000, ns: 5 };
    expect(only({ ...run('r', '', 0, 0), end: allowed })).toMatchObject({ endedAt: allowed, quality: [] });
  });

  it('a missing end is not measured', () => {
    const derived = only({ ...run('r', '', 0, 0), end: { us: 0, ns: 0 } });
    expect(derived).toMatchObject({ durationUs: null, endedAt: at(0), quality: ['synthetic_end'] });
  });

  it('queue latency is start - enqueue', () => {
    expect(only(run('r', '', 5, 9, { enqueuedAt: at(2) }))).toMatchObject({
      queueUs: 3_000_000,
      durationUs: 4_000_000,
    });
  });
});
