/** One run of one process as OTLP/JSON: a root and a step, ended a moment ago. Owns the payload only. */
import { randomBytes } from 'node:crypto';

export interface OneRun {
  readonly traceId: string;
  readonly body: string;
}

export function oneRun(process: string, endMs = Date.now()): OneRun {
  const traceId = randomBytes(16).toString('hex');
  const rootId = randomBytes(8).toString('hex');
  const nano = (ms: number) => `${BigInt(ms) * 1_000_000n}`;
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const spans = [
    {
      traceId,
      spanId: rootId,
      name: process,
      kind: 1,
      startTimeUnixNano: nano(endMs - 1500),
      endTimeUnixNano: nano(endMs),
      attributes: [text('op', 'workflow'), text('workflow.name', process)],
      status: { code: 1 },
    },
    {
      traceId,
      spanId: randomBytes(8).toString('hex'),
      parentSpanId: rootId,
      name: 'charge card',
      kind: 1,
      startTimeUnixNano: nano(endMs - 1200),
      endTimeUnixNano: nano(endMs - 200),
      attributes: [text('op', 'workflow.step'), text('step.name', 'charge-card')],
      status: { code: 1 },
    },
  ];
  const resource = { attributes: [text('service.name', 'shop')] };
  return { traceId, body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }) };
}

export function sendOneRun(httpDoor: string, run: OneRun): Promise<Response> {
  return fetch(`${httpDoor}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: run.body,
  });
}
