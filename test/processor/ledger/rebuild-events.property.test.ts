/** The ledger's rows say everything that a run's spans said: rebuilt from them, each event is the one that was written. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveRuns } from '../../../processor/derive/derive.ts';
import { partition } from '../../../processor/derive/run-spans.ts';
import { compareStrings, type Event } from '../../../processor/event.ts';
import { Interpreter } from '../../../processor/interpret/interpreter.ts';
import { runRow, stepRow } from '../../../processor/ledger/ledger-rows.ts';
import { rebuildEvents } from '../../../processor/ledger/rebuild-events.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import { encodeTraces } from '../../support/otlp-encode.ts';
import { randomRuns } from '../../support/random-runs.ts';

const T0 = 1_790_000_000_000_000;
const key = { openedDay: 1, environment: '', process: '', runId: '' };

it('gives back every field of every span that a run stands for', () => {
  let rebuiltSpans = 0;
  fc.assert(
    fc.property(fc.nat(0x7fff_ffff), fc.integer({ min: 1, max: 40 }), fc.boolean(), (seed, size, fromTheFuture) => {
      const events: Event[] = [];
      const startNs = BigInt(fromTheFuture ? T0 + 400_000_000 : T0 - 100_000_000) * 1000n;
      const spans = randomRuns({ seed, size, maxDepth: 5, services: 3, startNs });
      const distinct = new Map(spans.map((span) => [span.spanId, span]));
      new Interpreter(defaultDialects).events(encodeTraces([...distinct.values()]), T0, (event) => events.push(event));
      for (const run of deriveRuns(partition(events).runs).values()) {
        const own = { ...key, environment: run.environment, process: run.process, runId: run.runId };
        const steps = run.steps.map((step) => stepRow(run, step, own, 1));
        const rebuilt = rebuildEvents(runRow(run, own, 1, run.quality), steps, defaultDialects);
        const originals = [...run.spans, ...run.steps.flatMap((step) => step.attempts)];
        expect(rebuilt.map(comparable).toSorted(byId)).toEqual(originals.map(comparable).toSorted(byId));
        rebuiltSpans += rebuilt.length;
      }
    }),
    { numRuns: 1500 },
  );
  expect(rebuiltSpans).toBeGreaterThan(1000);
}, 60_000);

/** A receipt is stored only where the end lies after it. */
function comparable(event: Event): Event {
  return event.end.us > event.received ? event : { ...event, received: 0 };
}

function byId(a: Event, b: Event): number {
  return compareStrings(a.spanId, b.spanId);
}
