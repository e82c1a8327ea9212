/**
 * The spans of one templated request, ordered and grouped by service and scope as an exporter would send them.
 * Owns the grouping; the encoders (encode-protobuf.ts, encode-json.ts) turn it into bytes.
 */
import { Random } from './random.ts';
import { plainContent, type SpanContent, workflowContent } from './span-content.ts';
import { plainSpansPerTrace, type Slot, type Workload } from './workload.ts';

export interface PlacedSpan {
  /** Index into `RequestContent.slots`. */
  readonly place: number;
  readonly content: SpanContent;
}

export interface ScopeGroup {
  readonly scope: string;
  readonly spans: readonly PlacedSpan[];
}

export interface ServiceGroup {
  readonly service: string;
  readonly instance: number;
  readonly scopes: readonly ScopeGroup[];
}

export interface RequestContent {
  readonly slots: readonly Slot[];
  readonly services: readonly ServiceGroup[];
}

/** The content of one request of the cycle; the same for the same workload, whatever the encoding. */
export function requestContent(workload: Workload, requestInCycle: number): RequestContent {
  const { seed, spansPerRequest, noRootError, shuffle } = workload.options;
  const random = new Random(seed ^ (requestInCycle * 0x9e3779b1));
  const slots = Array.from({ length: spansPerRequest }, (_, place) => workload.slotAt(requestInCycle, place));
  const services = spansPerRequest >= 256 ? 4 : spansPerRequest >= 32 ? 2 : 1;
  const placed = slots.map((slot, place): PlacedSpan => {
    if (slot.role !== 'plain') {
      return { place, content: workflowContent(slot, workload.shapes[slot.index]!, noRootError, random) };
    }
    const group = Math.floor((place * services) / spansPerRequest) + requestInCycle;
    return { place, content: plainContent(slot.index, group, slot.index % plainSpansPerTrace !== 0, random) };
  });
  return { slots, services: grouped(shuffle ? random.shuffled(placed) : placed, requestInCycle) };
}

function grouped(placed: readonly PlacedSpan[], requestInCycle: number): ServiceGroup[] {
  const byService = Map.groupBy(placed, (span) => span.content.service);
  return [...byService].map(([service, spans], turn) => ({
    service,
    instance: turn + (requestInCycle % 5),
    scopes: [...Map.groupBy(spans, (span) => span.content.scope)].map(([scope, own]) => ({ scope, spans: own })),
  }));
}
