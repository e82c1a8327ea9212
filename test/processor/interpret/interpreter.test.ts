/** Spans to events: what the native and sentry dialects read out of OTLP bytes. */
import { describe, expect, it } from 'vitest';
import { EventRole, type Event } from '../../../processor/event.ts';
import { Interpreter } from '../../../processor/interpret/interpreter.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import { encodeTraces, type TestSpan } from '../../support/otlp-encode.ts';

const base: TestSpan = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name: 'n', startNs: 1n, endNs: 2n };

function interpret(span: Partial<TestSpan>): Event {
  const events: Event[] = [];
  new Interpreter(defaultDialects).events(encodeTraces([{ ...base, ...span }]), 7, (event) => events.push(event));
  expect(events).toHaveLength(1);
  return events[0]!;
}

describe('roles', () => {
  it.each([
    [{ op: 'workflow' }, EventRole.WORKFLOW, 'native'],
    [{ op: 'workflow', 'workflow.name': 'p' }, EventRole.WORKFLOW, 'native'],
    [{ op: 'workflow.step' }, EventRole.STEP, 'native'],
    [{ op: 'step' }, EventRole.STEP, 'native'],
    [{ op: 'workflow', 'step.name': 's' }, EventRole.STEP, 'native'],
    [{ 'workflow.step.name': 's' }, EventRole.STEP, 'native'],
    [{ 'awaitly.step.name': 's' }, EventRole.STEP, 'native'],
    [{ 'sentry.op': 'workflow' }, EventRole.WORKFLOW, 'sentry'],
    [{ 'sentry.op': 'workflow.step' }, EventRole.STEP, 'sentry'],
    [{ op: 'http.client' }, EventRole.UNTAGGED, ''],
    [{ op: 5 }, EventRole.UNTAGGED, ''],
    [{}, EventRole.UNTAGGED, ''],
  ] as const)('%j', (attributes, role, dialect) => {
    expect(interpret({ attributes })).toMatchObject({ role, dialect });
  });
});

describe('fields', () => {
  it('are found on the span, then the resource; numbers and booleans read as text', () => {
    const event = interpret({
      attributes: { op: 'workflow', 'workflow.run_id': 42, 'workflow.trigger': true },
      resource: {
        'workflow.name': 'nightly',
        'workflow.run_id': 'hidden',
        'service.name': 's',
        'service.version': '1.2',
      },
    });
    expect(event).toMatchObject({
      process: 'nightly',
      runId: '42',
      trigger: 'true',
      service: 's',
      serviceVersion: '1.2',
    });
  });

  it('environment is the new name, else the old', () => {
    const named = { 'deployment.environment.name': 'prod', 'deployment.environment': 'old' };
    expect(interpret({ resource: named }).environment).toBe('prod');
    expect(interpret({ resource: { 'deployment.environment': 'old' } }).environment).toBe('old');
    expect(interpret({}).environment).toBe('');
  });

  it('the verb is what the step does', () => {
    expect(interpret({ attributes: { 'step.name': 'a', 'http.request.method': 'POST' } }).verb).toBe('POST');
    expect(interpret({ attributes: { 'step.name': 'a', 'step.verb': 'send', 'rpc.method': 'Get' } }).verb).toBe('send');
  });

  it('an error is told by attribute, exception event, then status message; without a failure there is none', () => {
    const failing = {
      attributes: { op: 'step' },
      status: 2 as const,
      message: 'status',
      exception: { type: 'E', message: 'm' },
    };
    expect(interpret(failing)).toMatchObject({ errorType: 'E', errorMessage: 'm' });
    expect(interpret({ ...failing, exception: {} })).toMatchObject({ errorType: '', errorMessage: 'status' });
    expect(interpret({ ...failing, attributes: { op: 'step', 'error.type': 'T' } }).errorType).toBe('T');
    expect(interpret({ ...failing, status: 0 })).toMatchObject({ errorType: '', errorMessage: '' });
    expect(interpret({ ...failing, message: 'x'.repeat(5000), exception: {} }).errorMessage).toHaveLength(1024);
  });

  it('a parent in another process is remote by the span flags', () => {
    expect(interpret({ parentSpanId: '01'.repeat(8), remoteParent: true }).remoteParent).toBe(true);
    expect(interpret({ parentSpanId: '01'.repeat(8) }).remoteParent).toBe(false);
    expect(interpret({ parentSpanId: '00'.repeat(8), remoteParent: true })).toMatchObject({
      parentSpanId: '',
      remoteParent: false,
    });
  });

  it('times keep every nanosecond and never overflow', () => {
    expect(interpret({ startNs: 1_544_712_660_000_000_001n, endNs: 2n ** 64n - 1n })).toMatchObject({
      start: { us: 1_544_712_660_000_000, ns: 1 },
      end: { us: Number.MAX_SAFE_INTEGER - 1, ns: 999 },
    });
  });

  it.each([
    ['1700000000', { us: 1_700_000_000_000_000, ns: 0 }],
    ['1700000000123', { us: 1_700_000_000_123_000, ns: 0 }],
    ['1700000000123456', { us: 1_700_000_000_123_456, ns: 0 }],
    ['1700000000123456789', { us: 1_700_000_000_123_456, ns: 789 }],
    ['2026-11-21T10:00:00.123456Z', { us: Date.parse('2026-11-21T10:00:00Z') * 1000 + 123_456, ns: 0 }],
    ['2026-11-21T11:00:00+01:00', { us: Date.parse('2026-11-21T10:00:00Z') * 1000, ns: 0 }],
    ['yesterday', null],
    ['12', null],
  ])('workflow.enqueued_at %s', (text, expected) => {
    expect(interpret({ attributes: { op: 'workflow', 'workflow.enqueued_at': text } }).enqueuedAt).toEqual(expected);
  });

  it.each([
    ['ot=th:c', true],
    ['vendor=1,ot=rv:abc;th:8', true],
    ['ot=th:0', false],
    ['other=th:c', false],
  ])('tracestate %s', (traceState, sampled) => {
    expect(interpret({ traceState }).sampled).toBe(sampled);
  });

  it.each([
    ['success', 'success'],
    ['FAILURE', 'failure'],
    ['nonsense', ''],
  ])('workflow.outcome %s', (value, outcome) => {
    expect(interpret({ attributes: { op: 'workflow', 'workflow.outcome': value } }).outcome).toBe(outcome);
  });
});

describe('content hash', () => {
  const hashOf = (span: Partial<TestSpan>): string => {
    const { hashHigh, hashLow } = interpret({ attributes: { op: 'step' }, ...span });
    return `${hashHigh}.${hashLow}`;
  };

  it('is equal for equal content and differs with each mapped field', () => {
    const variants: Partial<TestSpan>[] = [
      {},
      { endNs: 3n },
      { startNs: 0n },
      { status: 1 },
      { status: 2 },
      { name: 'm' },
      { parentSpanId: '01'.repeat(8) },
      { attributes: { op: 'step', 'step.key': 'k' } },
      { attributes: { op: 'step', 'step.name': 'k' } },
      { resource: { 'service.name': 's' } },
    ];
    expect(new Set(variants.map(hashOf)).size).toBe(variants.length);
    expect(hashOf({ attributes: { op: 'step', unmapped: 'x' } })).toBe(hashOf({}));
  });
});
