/**
 * An application as Sentry's users have it: an HTTP server whose handler runs a workflow with Sentry.startSpan, its
 * spans exported over OTLP as well. Runs as a program: sentry-app.ts OTLP_URL; ends when its stdin does.
 * Sentry 10: from version 11 on Sentry.startSpan makes no OpenTelemetry spans, so none can be exported over OTLP.
 * Prints one JSON line when it listens and one per request, when the handler has ended.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import * as Sentry from '@sentry/node';

const [otlpUrl] = process.argv.slice(2);
const exporter = new OTLPTraceExporter({ url: `${otlpUrl}/v1/traces` });
Sentry.init({
  // Nobody listens there: what goes to Sentry itself does not matter here.
  dsn: 'http://key@127.0.0.1:9/1',
  tracesSampleRate: 1,
  openTelemetrySpanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })],
});

async function checkout(): Promise<void> {
  await Sentry.startSpan({ name: 'sentry-checkout', op: 'workflow' }, async () => {
    await Sentry.startSpan({ name: 'charge_card', op: 'workflow' }, () => pause(20));
    await Sentry.startSpan({ name: 'SELECT orders', op: 'db.query' }, () => pause(5));
    await Sentry.startSpan({ name: 'notify', op: 'workflow.step' }, () => pause(10));
  });
}

const server = createServer((_request, response) => {
  const handler = Sentry.getActiveSpan();
  void checkout().then(() => {
    response.end('done');
    const traceId = handler?.spanContext().traceId;
    const op = handler === undefined ? undefined : Sentry.spanToJSON(handler).op;
    response.once('close', () => console.log(JSON.stringify({ traceId, op, endedMs: Date.now() })));
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: (server.address() as AddressInfo).port })));
process.stdin.resume().once('end', () => process.exit(0));
