/** process_health and failing_steps over rows put in by hand, against answers worked out by hand. Each case has an engine of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClickHouseExporter } from '../../exporter/clickhouse/clickhouse-exporter.ts';
import type { RowBatch } from '../../schema/rows.ts';
import {
  ask,
  askRows,
  batch,
  digest,
  inFlight,
  makeExporter,
  processPane,
  run,
  stepPane,
  temporaryDirectory,
} from './support.ts';

let temporary: ReturnType<typeof temporaryDirectory>;
let exporter: ClickHouseExporter;

beforeEach(async () => {
  temporary = temporaryDirectory();
  exporter = makeExporter(temporary.path);
  await exporter.start();
});

afterEach(async () => {
  await exporter[Symbol.asyncDispose]();
  temporary[Symbol.dispose]();
});

async function store(rows: Partial<RowBatch>): Promise<void> {
  await exporter.consume(batch(rows));
  await exporter.flush();
}

type Health = Record<string, unknown>;

async function health(process = 'checkout', parameters = ''): Promise<Record<string, Health>> {
  const rows = await askRows<Health>(
    exporter,
    `SELECT * EXCEPT (environment, process) FROM process_health WHERE process = '${process}'`,
    parameters,
  );
  expect(rows).toHaveLength(3);
  return Object.fromEntries(rows.map(({ window, ...rest }) => [window, rest]));
}

const nothing: Health = {
  runs: 0,
  succeeded: 0,
  failed: 0,
  abandoned: 0,
  cancelled: 0,
  skipped: 0,
  completed: 0,
  completion_rate: null,
  success_rate: null,
  p50_ms: null,
  p95_ms: null,
  p99_ms: null,
  queue_p95_ms: null,
  failing_step: '',
  failing_step_runs: 0,
  in_flight: 0,
  completion_rate_before: null,
};

describe('process_health', () => {
  test('without any run there is no row', async () => {
    expect(await ask(exporter, 'SELECT count() FROM process_health')).toBe('0');
  });

  test('counts, rates and quantiles by window, with what came before', async () => {
    await store({
      processPanes: [
        // Two minutes ago: in all three windows.
        processPane(2, {
          succeeded: 6,
          failed: 1,
          abandoned: 1,
          cancelled: 2,
          skipped: 3,
          continued: 4,
          completed: 5,
          duration: digest(10, 20, 30),
          queue: digest(7),
        }),
        // Seven minutes ago: before 5m; in 1h.
        processPane(7, { succeeded: 3, failed: 1, completed: 3, duration: digest(100) }),
        // 80 minutes ago: before 1h; its hour is sealed, so 24h reads the hour pane, which is not there.
        processPane(80, { succeeded: 1, failed: 3, completed: 1 }),
      ],
    });
    // An hour pane of a whole sealed hour ten hours ago, and one in the 24 hours before.
    const hour = (hoursAgo: number): number => Math.floor(Date.now() / 3_600_000 - hoursAgo) * 3_600;
    await store({
      processPanes: [
        processPane(0, {
          resolution: '1h',
          pane: hour(10),
          succeeded: 80,
          failed: 20,
          completed: 79,
          duration: digest(1_000),
        }),
        processPane(0, {
          resolution: '1h',
          pane: hour(30),
          succeeded: 30,
          failed: 10,
          completed: 30,
          duration: digest(9_999),
        }),
        // Minute panes of hours that 24h reads by their hour panes: not counted twice.
        processPane(10 * 60 + 30, { succeeded: 1_000 }),
      ],
    });
    const found = await health();
    expect(found['5m']).toEqual({
      runs: 17,
      succeeded: 6,
      failed: 1,
      abandoned: 1,
      cancelled: 2,
      skipped: 3,
      completed: 5,
      completion_rate: 5 / 8,
      success_rate: 6 / 8,
      p50_ms: 20,
      p95_ms: 30,
      p99_ms: 30,
      queue_p95_ms: 7,
      failing_step: '',
      failing_step_runs: 0,
      in_flight: 0,
      completion_rate_before: 3 / 4,
    });
    expect(found['1h']).toMatchObject({
      runs: 21,
      succeeded: 9,
      failed: 2,
      completed: 8,
      completion_rate: 8 / 12,
      completion_rate_before: 1 / 4,
      p99_ms: 100,
    });
    expect(found['24h']).toMatchObject({
      succeeded: 80 + 9,
      completed: 79 + 8,
      completion_rate: (79 + 8) / (100 + 12),
      completion_rate_before: 30 / 40,
    });
  });

  test('the 24 hours are covered once: every minute by exactly one pane', async () => {
    const minutes = Array.from({ length: 48 * 60 + 5 }, (_, ago) => processPane(ago, { succeeded: 1, completed: 1 }));
    const hours = new Map<number, number>();
    for (const { pane } of minutes)
      hours.set(Math.floor(pane / 3_600) * 3_600, (hours.get(Math.floor(pane / 3_600) * 3_600) ?? 0) + 1);
    await store({
      processPanes: [
        ...minutes,
        ...[...hours].map(([pane, count]) =>
          processPane(0, { resolution: '1h', pane, succeeded: count, failed: 0, completed: 0 }),
        ),
      ],
    });
    const [count] = await askRows<{ now: number; before: number; fivemin: number }>(
      exporter,
      `SELECT sumIf(succeeded, window = '24h' AND current) AS now, sumIf(succeeded, window = '24h' AND NOT current) AS before, sumIf(succeeded, window = '5m' AND current) AS fivemin FROM process_windows_data`,
    );
    // The window begins with the minute in which t - w lies, and the current minute is in it too; a minute may pass meanwhile.
    expect(count!.now).toBeGreaterThanOrEqual(24 * 60);
    expect(count!.now).toBeLessThanOrEqual(24 * 60 + 1);
    expect(count!.before).toBe(24 * 60);
    expect(count!.fivemin).toBeGreaterThanOrEqual(5);
    expect(count!.fivemin).toBeLessThanOrEqual(6);
  });

  test('no row is missing: 0 and NULL for a window without runs, with one in the last day or one in flight', async () => {
    await store({
      processPanes: [processPane(20, { cancelled: 1 })],
      inFlight: [inFlight('only', { key: { ...run('only').key, process: 'import' } })],
    });
    expect(await health()).toEqual({
      '5m': nothing,
      '1h': { ...nothing, runs: 1, cancelled: 1 },
      '24h': { ...nothing, runs: 1, cancelled: 1 },
    });
    const waiting = { ...nothing, in_flight: 1 };
    expect(await health('import')).toEqual({ '5m': waiting, '1h': waiting, '24h': waiting });
  });

  test('a pane corrected to nothing takes its process away', async () => {
    await store({ processPanes: [processPane(3, { failed: 1, version: 1 })] });
    await store({ processPanes: [processPane(3, { failed: 0, version: 2 })] });
    expect(await ask(exporter, 'SELECT count() FROM process_health')).toBe('0');
  });

  test('a newer version replaces, an older one and a repetition change nothing', async () => {
    await store({ processPanes: [processPane(1, { succeeded: 5, completed: 5, version: 7 })] });
    await store({
      processPanes: [processPane(1, { succeeded: 9, completed: 8, version: 8, duration: digest(1, 2, 3) })],
    });
    await store({
      processPanes: [processPane(1, { succeeded: 9, completed: 8, version: 8, duration: digest(1, 2, 3) })],
    });
    await store({ processPanes: [processPane(1, { succeeded: 1, completed: 0, version: 6, duration: digest(500) })] });
    expect((await health())['5m']).toMatchObject({ runs: 9, completed: 8, completion_rate: 8 / 9, p99_ms: 3 });
  });

  test('two writers add up, their digests merge', async () => {
    await store({
      processPanes: [processPane(1, { succeeded: 2, failed: 1, completed: 2, duration: digest(1, 2, 3) })],
    });
    await exporter[Symbol.asyncDispose]();
    exporter = makeExporter(temporary.path, {}, undefined, 'writer-2');
    await exporter.start();
    await store({ processPanes: [processPane(1, { succeeded: 1, failed: 3, completed: 1, duration: digest(4, 5) })] });
    expect((await health())['5m']).toMatchObject({
      runs: 7,
      succeeded: 3,
      failed: 4,
      completion_rate: 3 / 7,
      p50_ms: 3,
      p99_ms: 5,
    });
  });

  test('environments are apart', async () => {
    await store({
      processPanes: [
        processPane(1, { succeeded: 1, completed: 1 }),
        processPane(1, { environment: 'test', failed: 1 }),
      ],
    });
    expect(
      await ask(
        exporter,
        "SELECT environment, completion_rate FROM process_health WHERE window = '5m' ORDER BY environment",
      ),
    ).toBe('prod\t1\ntest\t0');
  });

  test('neither the zone of the session nor its settings change an answer', async () => {
    await store({
      processPanes: [
        processPane(1, { succeeded: 1, completed: 1, duration: digest(5) }),
        processPane(70, { failed: 2 }),
      ],
      stepPanes: [stepPane(1, 'charge', { blamed: 1 })],
      inFlight: [inFlight('flying', { key: { ...run('x').key, process: 'import' } })],
    });
    const plain = [await health(), await health('import')];
    for (const setting of [
      'session_timezone=Asia/Kathmandu',
      'session_timezone=America/St_Johns',
      'join_use_nulls=1',
      'prefer_column_name_to_alias=1',
    ]) {
      expect([await health('checkout', setting), await health('import', setting)], setting).toEqual(plain);
    }
  });

  test('the failing step is the one that broke most runs, of equals the first by name', async () => {
    await store({
      processPanes: [processPane(1, { failed: 6 }), processPane(10, { failed: 4 })],
      stepPanes: [
        stepPane(1, 'ship', { blamed: 2 }),
        stepPane(1, 'charge', { blamed: 2 }),
        stepPane(1, '(timeout)', { blamed: 1 }),
        stepPane(1, 'mail', { blamed: 0, errors: 9 }),
        stepPane(10, '(run)', { blamed: 4 }),
      ],
    });
    const found = await health();
    expect(found['5m']).toMatchObject({ failing_step: 'charge', failing_step_runs: 2 });
    expect(found['1h']).toMatchObject({ failing_step: '(run)', failing_step_runs: 4 });
  });
});

describe('failing_steps', () => {
  test('failed runs, their share of the incomplete ones, the last error; agreeing with process_health', async () => {
    const failed = (runId: string, secondsAgo: number, failingStep: string, errorMessage: string) =>
      run(runId, {
        state: 'FAILED',
        completed: false,
        failingStep,
        errorType: 'E',
        errorMessage,
        endedAt: { us: Date.now() * 1_000 - secondsAgo * 1e6, ns: 0 },
      });
    await store({
      processPanes: [processPane(1, { succeeded: 8, failed: 2, abandoned: 1, cancelled: 5, completed: 7 })],
      stepPanes: [stepPane(1, 'charge', { blamed: 3 }), stepPane(1, '(timeout)', { blamed: 1 })],
      runs: [
        failed('a', 100, 'charge', 'older'),
        failed('b', 50, 'charge', 'newer'),
        failed('c', 7_200, 'charge', 'oldest'),
      ],
    });
    const rows = await askRows<Record<string, unknown>>(
      exporter,
      "SELECT * EXCEPT last_seen_at FROM failing_steps WHERE window = '5m' ORDER BY failed_runs DESC",
    );
    const common = { environment: 'prod', process: 'checkout', window: '5m', runs: 16 };
    expect(rows).toEqual([
      { ...common, step: 'charge', failed_runs: 3, share: 3 / 4, last_error_type: 'E', last_error_message: 'newer' },
      { ...common, step: '(timeout)', failed_runs: 1, share: 1 / 4, last_error_type: '', last_error_message: '' },
    ]);
    const [agreed] = await askRows<Record<string, unknown>>(
      exporter,
      'SELECT count() AS windows, countIf(h.failing_step_runs = f.failed_runs) AS agreeing FROM process_health AS h JOIN (SELECT * FROM failing_steps ORDER BY failed_runs DESC, step LIMIT 1 BY environment, process, window) AS f ON f.process = h.process AND f.window = h.window AND f.step = h.failing_step',
    );
    expect(agreed).toEqual({ windows: 3, agreeing: 3 });
    expect(
      await ask(exporter, "SELECT last_seen_at IS NULL FROM failing_steps WHERE step = '(timeout)' AND window = '5m'"),
    ).toBe('1');
  });
});
