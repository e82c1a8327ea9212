/** The generator's bytes, decoded by an independent reader, must tell exactly the truth that it computes without them. */
import { describe, expect, test } from 'vitest';
import { Templates } from '../../../bench/generator/templates.ts';
import { processTruths, runTruths } from '../../../bench/generator/truth.ts';
import { Workload, type WorkloadOptions } from '../../../bench/generator/workload.ts';
import { OtlpDecoder, type SeenSpan } from '../../../bench/verify/otlp-decoder.ts';
import { recordedTruths } from '../../../bench/verify/recorded-truth.ts';

const options: WorkloadOptions = {
  seed: 11,
  spans: 6_000,
  spansPerRequest: 40,
  workflowPerMille: 500,
  failing: 0.1,
  recovering: 0,
  unfinished: 0.05,
  noRootError: true,
  shuffle: true,
  firstEndUs: 1_790_000_000_000_000,
  runsPerSecond: 50,
};

const variants: Record<string, Partial<WorkloadOptions>> = {
  'shuffled, roots without ERROR': {},
  'in order, roots with ERROR': { shuffle: false, noRootError: false },
  'with recovering steps': { recovering: 0.1 },
  '10 % workflow spans, large requests': { workflowPerMille: 100, spansPerRequest: 512, spans: 10_000 },
  'only workflow spans, one per request': { workflowPerMille: 1000, spansPerRequest: 1, spans: 2_000 },
};

function decoded(workload: Workload, encoding: 'protobuf' | 'json'): SeenSpan[][] {
  const decoder = new OtlpDecoder();
  const templates = new Templates(workload, encoding);
  const room = Buffer.alloc(templates.maxBytes());
  return Array.from({ length: workload.requests }, (_, request) =>
    decoder[encoding](room.subarray(0, templates.write(request, room))),
  );
}

/** Comparing 100,000 nested objects by value takes seconds; their text does not. */
function asText(spans: readonly SeenSpan[]): string {
  return JSON.stringify(spans, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Map ? [...value] : value;
  });
}

describe.each(Object.entries(variants))('%s', (_, changes) => {
  const workload = new Workload({ ...options, ...changes });
  const truth = [...runTruths(workload)].toSorted((a, b) => (a.runId < b.runId ? -1 : 1));

  test.each(['protobuf', 'json'] as const)('the spans in its %s requests are its truth', (encoding) => {
    const requests = decoded(workload, encoding);
    expect(requests.flat()).toHaveLength(workload.spans);
    for (const request of requests) expect(request).toHaveLength(workload.options.spansPerRequest);
    const ids = new Set(requests.flat().map((span) => `${span.traceId}:${span.spanId}`));
    expect(ids.size).toBe(workload.spans);
    const recorded = recordedTruths(requests.flat()).toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
    expect(recorded).toEqual(truth);
  });

  test('both encodings say the same', () => {
    expect(
      decoded(workload, 'json').map(asText).join('\n') === decoded(workload, 'protobuf').map(asText).join('\n'),
    ).toBe(true);
  });

  test('has the shares that were asked for', () => {
    const { failing, unfinished } = workload.options;
    expect(truth.length / workload.runs).toBeCloseTo(1 - unfinished, 2);
    expect(truth.filter((run) => run.state === 'FAILED').length / workload.runs).toBeCloseTo(failing, 2);
    expect(new Set(truth.map((run) => run.process)).size).toBe(8);
    const counted = [...processTruths(truth).values()].reduce((sum, process) => sum + process.runs, 0);
    expect(counted).toBe(truth.length);
  });
});

test('spreads the spans of most runs over several requests', () => {
  const workload = new Workload(options);
  const requestsOfTrace = new Map<string, Set<number>>();
  decoded(workload, 'protobuf').forEach((spans, request) => {
    for (const span of spans) {
      if (span.attributes.get('op') !== 'workflow') continue;
      requestsOfTrace.set(span.traceId, (requestsOfTrace.get(span.traceId) ?? new Set()).add(request));
    }
  });
  const spread = [...requestsOfTrace.values()].filter((requests) => requests.size >= 2).length;
  expect(spread / requestsOfTrace.size).toBeGreaterThan(0.95);
});
