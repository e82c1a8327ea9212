/** Log lines, measurements and what a wrong measurement does. */
import { describe, expect, test } from 'vitest';
import { ServiceTelemetry } from '../../../service/telemetry/service-telemetry.ts';

const readings = {
  uptime: () => 12.5,
  cpuUsage: () => ({ user: 1_500_000, system: 500_000 }),
  memoryUsage: () => ({ rss: 1000, heapUsed: 300, heapTotal: 400, external: 50 }),
};

function telemetry(strict: boolean, logLevel: 'debug' | 'info' | 'warn' | 'error' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, telemetry: new ServiceTelemetry({ logLevel, strict }, { write }, readings) };
}

describe('logs', () => {
  test('are JSON lines with a level in words, a time and the fields', () => {
    const { lines, telemetry: subject } = telemetry(true);
    subject.warn('the engine ended', { code: 1 });
    expect(lines).toEqual([
      { level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), message: 'the engine ended', code: 1 },
    ]);
  });

  test('below the level are not written', () => {
    const { lines, telemetry: subject } = telemetry(true, 'warn');
    subject.debug('a');
    subject.info('b');
    subject.error('c');
    expect(lines.map(({ message }) => message)).toEqual(['c']);
  });

  test('tell an error with its message and stack', () => {
    const { lines, telemetry: subject } = telemetry(true);
    subject.error('failed', { error: new Error('because') });
    expect(lines[0]?.['error']).toMatchObject({ type: 'Error', message: 'because' });
  });

  test('show no secrets', () => {
    const { lines, telemetry: subject } = telemetry(true);
    subject.info('connecting', { password: 'hunter2', exporter: { password: 'hunter2', username: 'me' } });
    expect(lines[0]).toMatchObject({ password: '[redacted]', exporter: { password: '[redacted]', username: 'me' } });
  });
});

describe('measurements', () => {
  test('appear in the Prometheus text, labels escaped', async () => {
    const { telemetry: subject } = telemetry(true);
    subject.count('finishline_runs_total', 2, { environment: '', process: 'a"b\\c\nd', state: 'FAILED' });
    subject.gauge('finishline_open_spans', 7);
    const { contentType, text } = await subject.scrape();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text).toContain('# TYPE finishline_runs_total counter');
    expect(text).toContain('finishline_runs_total{environment="",process="a\\"b\\\\c\\nd",state="FAILED"} 2');
    expect(text).toContain('finishline_open_spans 7');
  });

  test("carry the Collector's process metrics, which do not grow by being looked at", async () => {
    const { telemetry: subject } = telemetry(true);
    await subject.scrape();
    const { text } = await subject.scrape();
    expect(text.split('\n').filter((line) => line.startsWith('otelcol_process'))).toEqual([
      'otelcol_process_uptime 12.5',
      'otelcol_process_cpu_seconds 2',
      'otelcol_process_memory_rss 1000',
      'otelcol_process_runtime_heap_alloc_bytes 300',
      'otelcol_process_runtime_total_sys_memory_bytes 450',
    ]);
  });

  test('that the table does not have throw in development', () => {
    const { telemetry: subject } = telemetry(true);
    expect(() => subject.count('finishline_nonsense', 1)).toThrow(
      "'finishline_nonsense' is not a counter of the metrics table",
    );
    expect(() => subject.gauge('finishline_runs_total', 1)).toThrow("'finishline_runs_total' is not a gauge");
    expect(() => subject.count('finishline_runs_total', 1, { colour: 'blue' })).toThrow('colour');
  });

  test('that the table does not have are an error line in production', () => {
    const { lines, telemetry: subject } = telemetry(false);
    subject.count('finishline_nonsense', 1);
    expect(lines[0]).toMatchObject({ level: 'error', message: 'a measurement was lost' });
  });
});
