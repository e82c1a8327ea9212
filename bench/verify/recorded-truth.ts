/**
 * The truth about recorded spans, for workloads of one shape: `op=workflow` roots without a parent, their steps
 * (`step.name`) as direct children, a failed step repeated at most once. For checking a generator against its own bytes,
 * and the service against a generator whose truth says nothing about single runs.
 */
import type { RunTruth, StepTruth } from '../generator/truth.ts';
import type { SeenSpan } from './otlp-decoder.ts';

const errorStatus = 2;

/** Repeated spans count once; traces without a root give nothing. Times are cut to whole µs. */
export function recordedTruths(spans: Iterable<SeenSpan>): RunTruth[] {
  const once = new Map<string, SeenSpan>();
  for (const span of spans) {
    if (span.attributes.get('op') === 'workflow') once.set(`${span.traceId}:${span.spanId}`, span);
  }
  const traces = Map.groupBy(once.values(), (span) => span.traceId);
  return [...traces.values()].flatMap((trace) => {
    const root = trace.find((span) => span.parentSpanId === '');
    return root === undefined ? [] : [runTruth(root, trace)];
  });
}

function runTruth(root: SeenSpan, trace: readonly SeenSpan[]): RunTruth {
  const children = trace.filter((span) => span.parentSpanId === root.spanId);
  const byStep = Map.groupBy(children, (span) => span.attributes.get('step.name')!);
  const steps = [...byStep].map(([step, attempts]) => stepTruth(step, attempts));
  const broken = steps.filter((step) => step.state === 'FAILED');
  if (broken.length > 1)
    throw new Error(`trace ${root.traceId} has ${broken.length} failed steps; this checker knows one`);
  const failed = broken.length === 1 || root.status === errorStatus;
  const culprit = children.find((span) => span.spanId === broken[0]?.spanId);
  return {
    environment: root.resource.get('deployment.environment.name') ?? '',
    process: root.attributes.get('workflow.name') ?? root.name,
    service: root.resource.get('service.name') ?? '',
    runId: `${root.traceId}:${root.spanId}`,
    state: failed ? 'FAILED' : 'SUCCEEDED',
    startUs: microseconds(root.startNs),
    endUs: microseconds(root.endNs),
    failingStep: broken[0]?.step ?? '',
    errorType: culprit?.event.get('exception.type') ?? '',
    errorMessage: culprit?.event.get('exception.message') ?? '',
    steps: steps.toSorted((a, b) => a.startUs - b.startUs),
  };
}

function stepTruth(step: string, spans: readonly SeenSpan[]): StepTruth {
  const attempts = spans.toSorted((a, b) => Number(a.startNs - b.startNs));
  const last = attempts.at(-1)!;
  return {
    step,
    state: last.status === errorStatus ? 'FAILED' : 'SUCCEEDED',
    attempts: attempts.length,
    startUs: microseconds(attempts[0]!.startNs),
    endUs: microseconds(last.endNs),
    spanId: last.spanId,
  };
}

function microseconds(ns: bigint): number {
  return Number(ns / 1000n);
}
