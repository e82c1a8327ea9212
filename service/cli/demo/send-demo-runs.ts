/**
 * Sends the demo's runs through the OpenTelemetry SDK and its OTLP exporter, as an application would.
 * Spans carry start and end times in the past, so that a run of ten minutes takes no ten minutes to show.
 * Owns nothing of what is sent (demo-plan.ts).
 */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { attemptStartsMs, type DemoAttempt, type DemoRun, runDurationMs } from './demo-plan.ts';

export interface DemoTarget {
  /** Where OTLP/HTTP is listened to, `http://host:port`. */
  readonly otlpUrl: string;
  readonly environment: string;
  /** Milliseconds since the epoch; the runs end before it. */
  readonly nowMs: number;
}

/** Resolves when every span was exported; rejects when the exporter could not hand them over. */
export async function sendDemoRuns(runs: readonly DemoRun[], target: DemoTarget): Promise<void> {
  for (const [service, own] of Map.groupBy(runs, (run) => run.service)) {
    const exporter = new OTLPTraceExporter({ url: `${target.otlpUrl}/v1/traces` });
    const provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': service,
        'service.version': '1.0.0',
        'deployment.environment.name': target.environment,
      }),
      spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: 10_000 })],
    });
    const tracer = provider.getTracer('finishline-demo');
    for (const run of own) recordRun(tracer, run, target);
    await provider.forceFlush();
    await provider.shutdown();
  }
}

function recordRun(tracer: Tracer, run: DemoRun, { environment, nowMs }: DemoTarget): void {
  const endMs = nowMs - run.endedAgoMs;
  const startMs = endMs - runDurationMs(run);
  const identity =
    run.root === 'never' ? { 'workflow.name': run.process, 'workflow.run_id': neverEndingRunId(environment) } : {};
  const root = tracer.startSpan(
    run.process,
    { startTime: startMs, attributes: { op: 'workflow', 'workflow.name': run.process } },
    ROOT_CONTEXT,
  );
  const inside = trace.setSpan(ROOT_CONTEXT, root);
  const starts = attemptStartsMs(run);
  let turn = 0;
  for (const step of run.steps) {
    step.attempts.forEach((attempt, index) => {
      const attributes = { op: 'workflow', 'step.name': step.name, 'step.attempt': index + 1, ...identity };
      recordAttempt(tracer, inside, step.name, attributes, attempt, startMs + starts[turn++]!);
    });
  }
  // A root that is never ended is never exported: all that Finishline sees of that run are its steps.
  if (run.root === 'never') return;
  if (run.root === 'ok') root.setStatus({ code: SpanStatusCode.OK });
  if (run.root === 'error') root.setStatus({ code: SpanStatusCode.ERROR, message: 'the workflow gave up' });
  root.end(endMs);
}

function recordAttempt(
  tracer: Tracer,
  inside: Context,
  name: string,
  attributes: Record<string, string | number>,
  { durationMs, error }: DemoAttempt,
  startMs: number,
): void {
  const span = tracer.startSpan(name, { startTime: startMs, attributes }, inside);
  // The call that does the step's work: an ordinary client span, of which Finishline keeps nothing.
  const call = tracer.startSpan('POST', { startTime: startMs, kind: SpanKind.CLIENT }, trace.setSpan(inside, span));
  call.setAttribute('http.request.method', 'POST');
  call.end(startMs + durationMs);
  if (error !== undefined) {
    span.addEvent(
      'exception',
      { 'exception.type': error.type, 'exception.message': error.message },
      startMs + durationMs,
    );
    span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
  }
  span.end(startMs + durationMs);
}

export function neverEndingRunId(environment: string): string {
  return `${environment}-never-ends`;
}
