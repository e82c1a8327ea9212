/** The processor on single runs: what a person would expect of each, told as rows. */
import { describe, expect, it } from 'vitest';
import { defaultProcessorConfig } from '../../processor/config.ts';
import { Machine } from '../../processor/machine.ts';
import { defaultDialects } from '../../schema/dialects/registry.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import { encodeTraces, type TestSpan } from '../support/otlp-encode.ts';
import { Ledger } from '../support/ledger.ts';

const SECOND = 1_000_000;
const T0 = 1_790_000_000 * SECOND;
const TRACE = 'a'.repeat(32);

function feed(...steps: (readonly TestSpan[] | number)[]): Ledger {
  const machine = new Machine(defaultProcessorConfig, defaultDialects, silentTelemetry);
  const ledger = new Ledger();
  let at = T0;
  for (const step of steps) {
    if (typeof step === 'number') {
      at += step * SECOND;
      ledger.add(machine.apply({ kind: 'tick', at }));
    } else {
      ledger.add(machine.apply({ kind: 'spans', at, tracesData: encodeTraces(step) }));
    }
  }
  ledger.add(machine.flush());
  return ledger;
}

function span(id: number, parent: number | undefined, startS: number, endS: number, more: Partial<TestSpan>): TestSpan {
  return {
    traceId: TRACE,
    spanId: hexId(id),
    ...(parent === undefined ? {} : { parentSpanId: hexId(parent) }),
    startNs: BigInt(T0 - 600 * SECOND) * 1000n + BigInt(Math.round(startS * 1e9)),
    endNs: BigInt(T0 - 600 * SECOND) * 1000n + BigInt(Math.round(endS * 1e9)),
    resource: { 'service.name': 'orders', 'deployment.environment.name': 'prod' },
    ...more,
  };
}

function hexId(id: number): string {
  return id.toString(16).padStart(16, '0');
}

const root = (id: number, startS: number, endS: number, more: Partial<TestSpan> = {}): TestSpan =>
  span(id, undefined, startS, endS, {
    name: 'checkout',
    attributes: { op: 'workflow', 'workflow.name': 'checkout' },
    ...more,
  });
const step = (
  id: number,
  parent: number,
  name: string,
  startS: number,
  endS: number,
  more: Partial<TestSpan> = {},
): TestSpan =>
  span(id, parent, startS, endS, { name, attributes: { op: 'workflow.step', 'step.name': name }, ...more });

const handler = (id: number, startS: number, endS: number): TestSpan =>
  span(id, undefined, startS, endS, { name: 'POST /' });
const unnamed = (id: number, parent: number, name: string, startS: number, endS: number): TestSpan =>
  span(id, parent, startS, endS, { name, attributes: { 'sentry.op': 'workflow' } });
const named = (id: number, startS: number, endS: number): TestSpan =>
  step(id, 99, `s${id}`, startS, endS, {
    attributes: { op: 'workflow.step', 'step.name': `s${id}`, 'workflow.name': 'checkout', 'workflow.run_id': 'r1' },
  });
const part = (id: number, startS: number, endS: number, outcome: string): TestSpan =>
  root(id, startS, endS, {
    traceId: hexId(id) + hexId(id),
    attributes: {
      op: 'workflow',
      'workflow.name': 'checkout',
      'workflow.run_id': 'r1',
      'workflow.outcome': outcome,
    },
  });

describe('a run of one trace', () => {
  it('closes after settle with its steps and its pane', () => {
    const ledger = feed([step(2, 1, 'charge', 1, 2), step(3, 1, 'ship', 2, 4)], [root(1, 0, 5)], 1, 1.1, 2);
    expect(ledger.runs()).toMatchObject([
      {
        key: { environment: 'prod', process: 'checkout', runId: `${TRACE}:${hexId(1)}` },
        state: 'SUCCEEDED',
        durationUs: 5 * SECOND,
        steps: 2,
        erroredSteps: 0,
        attempts: 2,
        completed: true,
        failingStep: '',
        service: 'orders',
        dialect: 'native',
        quality: [],
      },
    ]);
    expect(ledger.steps()).toMatchObject([
      { step: 'charge', execution: 1, state: 'SUCCEEDED', attempts: 1, durationUs: SECOND },
      { step: 'ship', execution: 1, state: 'SUCCEEDED' },
    ]);
    expect(ledger.processPanes()).toMatchObject([
      { resolution: '1h', succeeded: 1, completed: 1 },
      { resolution: '1m', succeeded: 1, completed: 1, failed: 0, durationSumUs: 5 * SECOND },
    ]);
  });

  it('is not closed before settle', () => {
    expect(feed([root(1, 0, 5)], 1.9).runs()).toEqual([]);
  });

  it('fails with the step that broke it, although the root says nothing', () => {
    const ledger = feed(
      [step(2, 1, 'charge', 1, 2, { status: 2, exception: { type: 'CardError', message: 'declined' } }), root(1, 0, 5)],
      3,
    );
    expect(ledger.runs()).toMatchObject([
      { state: 'FAILED', failingStep: 'charge', errorType: 'CardError', errorMessage: 'declined', erroredSteps: 1 },
    ]);
    expect(ledger.stepPanes()).toMatchObject([
      { resolution: '1h', step: 'charge', errors: 1, blamed: 1 },
      { resolution: '1m', step: 'charge', executions: 1, errors: 1, attempts: 1, blamed: 1 },
    ]);
  });

  it('succeeds when the failed attempt was made good', () => {
    const ledger = feed(
      [step(2, 1, 'charge', 1, 2, { status: 2 }), step(3, 1, 'charge', 2.5, 3), root(1, 0, 5, { status: 1 })],
      3,
    );
    expect(ledger.runs()).toMatchObject([
      { state: 'SUCCEEDED', completed: true, recovered: true, steps: 1, attempts: 2 },
    ]);
    expect(ledger.steps()).toMatchObject([{ step: 'charge', execution: 1, attempts: 2, state: 'SUCCEEDED' }]);
  });

  it('takes a late step in, raises the version and corrects the panes', () => {
    const ledger = feed([root(1, 0, 5)], 3, [step(2, 1, 'charge', 1, 2, { status: 2 })], 3);
    expect(ledger.runs()).toMatchObject([{ state: 'FAILED', failingStep: 'charge', quality: ['amended', 'late'] }]);
    expect(ledger.processPanes()).toMatchObject([
      { succeeded: 0, failed: 1, late: 1 },
      { succeeded: 0, failed: 1 },
    ]);
  });

  it('counts a repeated span once', () => {
    const spans = [step(2, 1, 'charge', 1, 2), root(1, 0, 5)];
    const ledger = feed(spans, spans, 3, spans, 3);
    expect(ledger.runs()).toMatchObject([{ attempts: 1, quality: [] }]);
  });
});

describe('nested and undecided workflows', () => {
  it('a workflow span in a handler is a run once the handler is seen', () => {
    const ledger = feed([unnamed(2, 1, 'checkout', 1, 4)], 5, [handler(1, 0, 5)], 2.1);
    expect(ledger.runs()).toMatchObject([{ key: { process: 'checkout' }, dialect: 'sentry', state: 'SUCCEEDED' }]);
  });

  it('or after 30 s without', () => {
    expect(feed([unnamed(2, 1, 'checkout', 1, 4)], 29).runs()).toEqual([]);
    expect(feed([unnamed(2, 1, 'checkout', 1, 4)], 31).runs()).toHaveLength(1);
  });

  it('is taken back when it turns out to be a step', () => {
    const ledger = feed([unnamed(2, 1, 'inner', 1, 4)], 31, [root(1, 0, 60)], 3);
    expect(ledger.runs()).toMatchObject([{ key: { process: 'checkout' }, steps: 1 }]);
    expect(ledger.processPanes().filter((pane) => pane.process === 'inner')).toMatchObject([
      { succeeded: 0, durationSumUs: 0 },
      { succeeded: 0, completed: 0 },
    ]);
  });

  it('parallel workflows under one handler are two runs', () => {
    const ledger = feed([unnamed(3, 1, 'b', 2, 3), unnamed(2, 1, 'a', 1, 4), handler(1, 0, 5)], 3);
    expect(ledger.runs().map((run) => run.key.process)).toEqual(['a', 'b']);
  });

  it('a workflow of another name is a child run and a step of its parent', () => {
    const child = span(2, 1, 1, 4, {
      name: 'ship',
      status: 2,
      attributes: { op: 'workflow', 'workflow.name': 'shipping' },
    });
    const ledger = feed([child, root(1, 0, 5)], 3);
    expect(ledger.runs()).toMatchObject([
      { key: { process: 'checkout' }, state: 'FAILED', failingStep: 'ship' },
      { key: { process: 'shipping' }, state: 'FAILED', failingStep: '(run)', parentRunId: `${TRACE}:${hexId(1)}` },
    ]);
    expect(ledger.steps()).toMatchObject([{ step: 'ship', kind: 'child', state: 'FAILED' }]);
  });
});

describe('runs known to be running', () => {
  it('shows in flight after 10 s, closes with its root, and is abandoned after a day of silence', () => {
    const open = feed([named(2, 0, 1)], 11);
    expect(open.inFlight()).toMatchObject([
      { key: { process: 'checkout', runId: 'r1' }, state: 'RUNNING', currentStep: 's2' },
    ]);
    const end = root(99, 0, 20, {
      attributes: { op: 'workflow', 'workflow.name': 'checkout', 'workflow.run_id': 'r1' },
    });
    const closed = feed([named(2, 0, 1)], 11, [end], 3);
    expect(closed.inFlight()).toEqual([]);
    expect(closed.runs()).toMatchObject([{ key: { runId: 'r1' }, state: 'SUCCEEDED', steps: 1 }]);
    const silent = feed([named(2, 0, 1)], 11, 86_400);
    expect(silent.runs()).toMatchObject([
      { key: { runId: 'r1' }, state: 'ABANDONED', failingStep: '(timeout)', durationUs: null },
    ]);
    expect(silent.inFlight()).toEqual([]);
  });

  it('goes on after a suspension under the same id', () => {
    const suspended = feed([part(1, 0, 1, 'suspended')], 11);
    expect(suspended.runs()).toEqual([]);
    expect(suspended.inFlight()).toMatchObject([{ state: 'SUSPENDED' }]);
    const done = feed([part(1, 0, 1, 'suspended')], 11, [part(2, 50, 60, 'success')], 3);
    expect(done.runs()).toMatchObject([{ key: { runId: 'r1' }, state: 'SUCCEEDED', durationUs: 60 * SECOND }]);
    expect(done.inFlight()).toEqual([]);
  });
});

describe('leaving memory', () => {
  function countingMachine(): { machine: Machine; counts: Map<string, number> } {
    const counts = new Map<string, number>();
    const count = (name: string, by: number, labels: Readonly<Record<string, string>> = {}): void => {
      const key = [name, ...Object.values(labels)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + by);
    };
    return { machine: new Machine(defaultProcessorConfig, defaultDialects, { ...silentTelemetry, count }), counts };
  }

  it('closed runs leave after their retention, whatever was repeated meanwhile, and their orphans are counted', () => {
    const { machine, counts } = countingMachine();
    const run = encodeTraces([step(2, 1, 'charge', 1, 2), root(1, 0, 5)]);
    const stray = encodeTraces([
      step(7, 6, 'stray', 1, 2, { attributes: { 'step.name': 'stray', 'workflow.run_id': 'never-seen' } }),
    ]);
    machine.apply({ kind: 'spans', at: T0, tracesData: run });
    machine.apply({ kind: 'spans', at: T0 + 1, tracesData: stray });
    machine.apply({ kind: 'tick', at: T0 + 3 * SECOND });
    machine.apply({ kind: 'spans', at: T0 + 4 * SECOND, tracesData: run });
    expect(counts.get('finishline_spans_repeated_total')).toBe(2);
    machine.apply({ kind: 'tick', at: T0 + defaultProcessorConfig.closedRetention + 10 * SECOND });
    expect(machine.openSpans).toBe(0);
    expect(machine.heldSpans).toBe(0);
    expect(counts.get('finishline_orphan_spans_total')).toBe(1);
  });

  it('a run that is known to be running does not leave with a closed one of its trace', () => {
    const beside = step(9, 8, 's', 6, 7, {
      attributes: { 'step.name': 's', 'workflow.name': 'other', 'workflow.run_id': 'r9' },
    });
    const ledger = feed([root(1, 0, 5), beside], 3, defaultProcessorConfig.closedRetention / SECOND + 10);
    expect(ledger.runs()).toMatchObject([{ key: { process: 'checkout' } }]);
    expect(ledger.inFlight()).toMatchObject([{ key: { process: 'other', runId: 'r9' } }]);
  });
});
