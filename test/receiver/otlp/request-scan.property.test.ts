/** The scan against an independent reading of the same bytes: what is refused, what is kept, and as which bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../receiver/otlp/refusal.ts';
import { reframe } from '../../../receiver/otlp/reframe.ts';
import { RequestScan } from '../../../receiver/otlp/request-scan.ts';
import { EVIDENCE, LOCAL_ROOT, TAGGED, UNDECIDED } from '../../../receiver/otlp/scan-plan.ts';
import { settleSightings } from '../../../receiver/otlp/sightings.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import { RequestGenerator } from './request-generator.ts';
import { expectedOf, spansOf, type Expected } from './wire-oracle.ts';

const KINDS = new Map([
  [TAGGED, 'tagged'],
  [UNDECIDED, 'tagged'],
  [EVIDENCE, 'evidence'],
  [LOCAL_ROOT, 'sighting'],
]);

/** An unknown field of the request. */
const PADDING = Buffer.from([0x7a, 6, 1, 2, 3, 4, 5, 6]);

/** What the receiver makes of a request, in the oracle's form; undefined when it is refused. */
function scanned(scan: RequestScan, request: Buffer, watched: ReadonlySet<string>): Expected | undefined {
  try {
    scan.scan(request);
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    return undefined;
  }
  settleSightings(scan, request, { active: () => watched.size > 0, watches: (id) => watched.has(id) });
  const kinds: string[] = [];
  for (let i = 0; i < scan.plan.length; i++) {
    const kind = KINDS.get(scan.plan.kind(i));
    if (kind !== undefined) kinds.push(kind);
  }
  const tracesData = reframe(scan.plan, request);
  const spans = tracesData === undefined ? [] : spansOf(tracesData);
  expect(spans.length).toBe(kinds.length);
  const kept = spans.map((span, i) => ({ kind: kinds[i] as 'tagged', ...span }));
  return { kept, spans: scan.spans - scan.deprecated, invalidIds: scan.invalidIds, deprecated: scan.deprecated };
}

describe('the scan agrees with an independent reading', () => {
  const scan = new RequestScan(defaultDialects);
  const cases = fc.record({
    seed: fc.integer(),
    oddity: fc.constantFrom(0, 1, 5),
    damage: fc.constantFrom('none', 'bytes', 'frame'),
    watched: fc.integer({ min: 0, max: 3 }),
  });
  const seen = { good: 0, refused: 0, kept: 0, sightings: 0, deprecated: 0, invalidIds: 0 };

  it('on random requests, whole and damaged', () => {
    const property = fc.property(cases, ({ seed, oddity, damage, watched }) => {
      const generator = new RequestGenerator(seed, oddity);
      let request = damage === 'frame' ? generator.misframed() : generator.request();
      if (damage === 'bytes') request = generator.mutated(request);
      const traces = new Set(generator.traceIds().slice(0, watched));
      const expected = expectedOf(request, defaultDialects, traces);
      expect(scanned(scan, request, traces)).toEqual(expected);
      // With something behind it the last span, too, is read by the inline reads.
      const padded = Buffer.concat([request, PADDING]);
      expect(scanned(scan, padded, traces)).toEqual(expectedOf(padded, defaultDialects, traces));
      if (damage === 'none') expect(expected).toBeDefined();
      seen.good += expected === undefined ? 0 : 1;
      seen.refused += expected === undefined ? 1 : 0;
      seen.kept += expected?.kept.length ?? 0;
      seen.sightings += expected?.kept.filter((span) => span.kind === 'sighting').length ?? 0;
      seen.deprecated += expected?.deprecated ?? 0;
      seen.invalidIds += expected?.invalidIds ?? 0;
    });
    fc.assert(property, { numRuns: 4000 });
    // The generator reaches everything that is to be compared.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(50);
  }, 120_000);
});
