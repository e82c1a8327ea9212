/**
 * Order, splitting, repetition and the passing of time cannot matter: what the ledger and the panes say in the end is
 * a function of the set of spans (DESIGN section 4). Held on `derive` alone and on the whole processor.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultProcessorConfig } from '../../processor/config.ts';
import { deriveRuns } from '../../processor/derive/derive.ts';
import { partition } from '../../processor/derive/run-spans.ts';
import { compareStrings, type Event } from '../../processor/event.ts';
import { Interpreter } from '../../processor/interpret/interpreter.ts';
import { Machine } from '../../processor/machine.ts';
import { defaultDialects } from '../../schema/dialects/registry.ts';
import type { RowBatch, RunKey } from '../../schema/rows.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import { encodeTraces, type TestSpan } from '../support/otlp-encode.ts';
import { Ledger } from '../support/ledger.ts';
import { Random, randomRuns } from '../support/random-runs.ts';

const SECOND = 1_000_000;
const T0 = 1_790_000_000 * SECOND;
const RUNS = Number(process.env['FINISHLINE_ORDER_CASES'] ?? 2000);
const SEED = Number(process.env['FINISHLINE_ORDER_SEED'] ?? Date.now() % 0x7fff_ffff);

const cases = fc.record({
  seed: fc.nat(0x7fff_ffff),
  size: fc.integer({ min: 1, max: 40 }),
  maxDepth: fc.integer({ min: 1, max: 6 }),
  services: fc.integer({ min: 1, max: 3 }),
  order: fc.nat(0x7fff_ffff),
});

function spansOf(one: { seed: number; size: number; maxDepth: number; services: number }): TestSpan[] {
  return randomRuns({ ...one, startNs: BigInt(T0 - 100 * SECOND) * 1000n });
}

it(`derive: any order of the events gives the same runs (seed ${SEED}, ${RUNS} cases)`, () => {
  fc.assert(
    fc.property(cases, (one) => {
      const spans = spansOf(one).filter(
        (span, index, all) => all.findIndex((other) => other.spanId === span.spanId) === index,
      );
      const events: Event[] = [];
      new Interpreter(defaultDialects).events(encodeTraces(spans), T0, (event) => events.push(event));
      expect(deriveSorted(new Random(one.order).shuffle(events))).toEqual(deriveSorted(events));
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 120_000);

it(`processor: order, splits, repetitions and time between them do not matter (seed ${SEED}, ${RUNS} cases)`, () => {
  fc.assert(
    fc.property(cases, (one) => {
      const spans = spansOf(one);
      const plain = deliver([spans], () => 0);
      const random = new Random(one.order);
      const repeated = spans.flatMap((span) => (random.chance(0.2) ? [span, span] : [span]));
      const requests = split(random.shuffle(repeated), random);
      expect(deliver(requests, () => random.below(3) * random.below(2 * SECOND))).toEqual(plain);
    }),
    { numRuns: RUNS, seed: SEED },
  );
}, 300_000);

function split(spans: readonly TestSpan[], random: Random): TestSpan[][] {
  const requests: TestSpan[][] = [];
  for (const span of spans) {
    const current = requests.at(-1);
    if (current === undefined || random.chance(0.3)) requests.push([span]);
    else current.push(span);
  }
  return requests;
}

/** Feeds the requests with pauses in between, lets everything settle, and returns what a reader would then see. */
function deliver(requests: readonly (readonly TestSpan[])[], pause: () => number): unknown {
  const machine = new Machine(defaultProcessorConfig, defaultDialects, silentTelemetry);
  const ledger = new Ledger();
  const received = new Map<string, number>();
  let at = T0;
  for (const spans of requests) {
    at += pause();
    for (const span of spans) if (!received.has(span.spanId)) received.set(span.spanId, at);
    take(machine.apply({ kind: 'spans', at, tracesData: encodeTraces(spans) }));
  }
  for (let tick = 0; tick < 45; tick++) take(machine.apply({ kind: 'tick', at: (at += SECOND) }));
  take(machine.flush());
  return visible(ledger);

  function take(rows: RowBatch): void {
    ledger.add(rows);
    for (const row of rows.runs) {
      if (!row.deleted && !row.quality.includes('amended')) expectSettled(row, received, at);
    }
  }
}

/** No run is closed before the root that decides it has settled. */
function expectSettled(row: RowBatch['runs'][number], received: ReadonlyMap<string, number>, at: number): void {
  const roots = row.spans.filter((span) => span.details.includes('"role":2'));
  const first = Math.min(...roots.map((span) => received.get(Buffer.from(span.spanId, 'latin1').toString('hex'))!));
  expect(at - first).toBeGreaterThanOrEqual(defaultProcessorConfig.settle);
}

/** Everything but versions, the opened day and the marks of lateness. Panes that were emptied count as none. */
function visible(ledger: Ledger): unknown {
  const processPanes = ledger
    .processPanes()
    .filter((row) => row.succeeded + row.failed + row.abandoned + row.cancelled + row.skipped > 0);
  const stepPanes = ledger.stepPanes().filter((row) => row.executions + row.blamed > 0);
  return {
    runs: ledger.runs().map((row) => ({ ...unstamped(row), quality: row.quality.filter((mark) => !isLateness(mark)) })),
    steps: ledger.steps().map(unstamped),
    processPanes: processPanes.map((row) => ({ ...row, version: 0, late: 0 })),
    stepPanes: stepPanes.map((row) => ({ ...row, version: 0 })),
  };
}

function unstamped<T extends { readonly key: RunKey }>(row: T): T {
  return { ...row, version: 0, key: { ...row.key, openedDay: 0 } };
}

function isLateness(mark: string): boolean {
  return mark === 'late' || mark === 'amended';
}

function deriveSorted(events: readonly Event[]): unknown {
  const runs = [...deriveRuns(partition(events).runs).values()];
  return runs.toSorted((a, b) => compareStrings(a.process + a.runId, b.process + b.runId));
}
