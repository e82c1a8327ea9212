/**
 * Random workflows as spans: trees of runs, steps, retries, loops, nested and unnamed workflows, untagged handlers and
 * errors, over several services, with repetitions of equal and of different content. For property tests.
 */
import type { Attributes, TestSpan } from './otlp-encode.ts';

export interface RandomRunsOptions {
  readonly seed: number;
  /** Number of distinct spans. */
  readonly size: number;
  readonly maxDepth: number;
  readonly services: number;
  /** When the first span starts, ns since the epoch. */
  readonly startNs: bigint;
}

/** mulberry32: small, seeded, good enough to vary tests. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
    }
    return shuffled;
  }
}

interface Branch {
  readonly span: TestSpan;
  readonly depth: number;
}

const STEP_NAMES = ['charge', 'ship', 'notify', 'pack'];
const PROCESSES = ['checkout', 'refund', 'etl'];

/** Spans of one to three traces; with some of them repeated, some with other content. */
export function randomRuns(options: RandomRunsOptions): TestSpan[] {
  const random = new Random(options.seed);
  const traces = 1 + random.below(3);
  const branches: Branch[] = [];
  for (let i = 0; i < options.size; i++) {
    const open = branches.filter((branch) => branch.depth < options.maxDepth);
    const parent = open.length === 0 || random.chance(0.06) ? undefined : random.pick(open);
    branches.push({ span: randomSpan(random, options, i, parent, traces), depth: (parent?.depth ?? 0) + 1 });
  }
  const spans = branches.map((branch) => branch.span);
  return [...spans, ...repetitions(random, spans)];
}

function randomSpan(
  random: Random,
  options: RandomRunsOptions,
  index: number,
  parent: Branch | undefined,
  traces: number,
): TestSpan {
  const [from, to] = timesWithin(random, options, parent);
  // Some parents are never sent: untagged spans that break the chain.
  const isLost = parent !== undefined && random.chance(0.15);
  const parentSpanId =
    parent === undefined ? undefined : isLost ? hex(1_000_000 + random.below(3), 16) : parent.span.spanId;
  return {
    traceId: parent?.span.traceId ?? hex(1 + random.below(traces), 32),
    spanId: hex(index + 1, 16),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    ...(parentSpanId !== undefined && random.chance(0.1) ? { remoteParent: true } : {}),
    startNs: from,
    endNs: to,
    ...randomStatus(random),
    ...randomKind(random),
    resource: {
      'service.name': `service-${random.below(options.services)}`,
      ...(random.chance(0.5) ? { 'deployment.environment.name': 'prod' } : {}),
    },
  };
}

/** Mostly within the parent's time, sometimes not: clocks differ, and work goes on in the background. */
function timesWithin(random: Random, options: RandomRunsOptions, parent: Branch | undefined): [bigint, bigint] {
  const low = parent === undefined ? options.startNs : parent.span.startNs;
  const width = parent === undefined ? 20_000_000_000n : parent.span.endNs - parent.span.startNs + 1n;
  const grid = BigInt(1 + random.below(8));
  const from = low + (width * BigInt(random.below(8))) / (8n * grid);
  const to = from + (width * BigInt(random.below(9))) / 8n;
  return random.chance(0.03) ? [to, from] : [from, to];
}

function randomStatus(random: Random): Pick<TestSpan, 'status' | 'message' | 'exception'> {
  const dice = random.next();
  if (dice < 0.5) return {};
  if (dice < 0.7) return { status: 1 };
  const message = random.pick(['boom', 'timeout', 'declined']);
  return random.chance(0.5) ? { status: 2, message } : { status: 2, exception: { type: 'E', message } };
}

function randomKind(random: Random): { readonly name: string; readonly attributes: Attributes } {
  const dice = random.next();
  const process = random.pick(PROCESSES);
  const runId: Attributes = random.chance(0.2) ? { 'workflow.run_id': random.pick(['r1', 'r2']) } : {};
  if (dice < 0.15)
    return { name: process, attributes: { op: 'workflow', 'workflow.name': process, ...runId, ...outcome(random) } };
  if (dice < 0.25) return { name: process, attributes: { op: 'workflow', ...runId } };
  if (dice < 0.3) return { name: process, attributes: { 'sentry.op': 'workflow' } };
  if (dice < 0.4) return { name: 'GET /', attributes: { 'http.request.method': 'GET' } };
  const name = random.pick(STEP_NAMES);
  return { name, attributes: { 'step.name': name, ...runId, ...stepDetails(random, process) } };
}

function outcome(random: Random): Attributes {
  if (random.chance(0.75)) return {};
  return { 'workflow.outcome': random.pick(['success', 'failure', 'cancelled', 'skipped', 'suspended']) };
}

function stepDetails(random: Random, process: string): Attributes {
  return {
    ...(random.chance(0.2) ? { 'step.attempt': 1 + random.below(3) } : {}),
    ...(random.chance(0.1) ? { 'step.key': random.pick(['k1', 'k2']) } : {}),
    ...(random.chance(0.2) ? { 'workflow.name': process } : {}),
  };
}

function repetitions(random: Random, spans: readonly TestSpan[]): TestSpan[] {
  return spans.flatMap((span) => {
    if (random.chance(0.7)) return [];
    if (random.chance(0.5)) return [span];
    return [{ ...span, ...randomStatus(random), endNs: span.endNs + BigInt(random.below(3)) * 500_000_000n }];
  });
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
