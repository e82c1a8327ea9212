/** The views of the ledger, of what is in flight and over time, over rows put in by hand. Each case has an engine of its own. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClickHouseExporter } from '../../exporter/clickhouse/clickhouse-exporter.ts';
import type { RowBatch } from '../../schema/rows.ts';
import {
  ask,
  batch,
  digest,
  inFlight,
  makeExporter,
  nowUs,
  processPane,
  run,
  step,
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

describe('the ledger', () => {
  test('the newest version is shown, whatever the order; a tombstone takes the run away; a newer row brings it back', async () => {
    await store({
      runs: [run('r', { version: 3, state: 'FAILED' }), run('gone', { version: 1 })],
      steps: [step('r', 'charge', { version: 3 })],
    });
    await store({ runs: [run('r', { version: 2, state: 'CANCELLED' }), run('gone', { version: 2, deleted: true })] });
    expect(await ask(exporter, 'SELECT run_id, state, version FROM runs')).toBe('r\tFAILED\t3');
    await store({ runs: [run('gone', { version: 3 })], steps: [step('r', 'charge', { version: 4, deleted: true })] });
    expect(await ask(exporter, 'SELECT run_id FROM runs ORDER BY run_id')).toBe('gone\nr');
    expect(await ask(exporter, 'SELECT count() FROM steps')).toBe('0');
  });

  test('a corrected end does not hide behind the index of the older row', async () => {
    await store({ runs: [run('moved', { version: 1, endedAt: { us: nowUs, ns: 0 } })] });
    await store({ runs: [run('moved', { version: 2, endedAt: { us: nowUs - 7_200e6, ns: 0 } })] });
    expect(await ask(exporter, "SELECT count() FROM runs WHERE ended_at > now('UTC') - toIntervalHour(1)")).toBe('0');
    expect(await ask(exporter, "SELECT count() FROM runs WHERE ended_at <= now('UTC') - toIntervalHour(1)")).toBe('1');
  });

  test('durations are milliseconds, NULL when not measured', async () => {
    await store({ runs: [run('a', { durationUs: 1_234_567, queueUs: 1 }), run('b', { durationUs: null })] });
    expect(await ask(exporter, 'SELECT run_id, duration_ms, queue_ms FROM runs ORDER BY run_id')).toBe(
      'a\t1234.567\t0.001\nb\t\\N\t\\N',
    );
  });

  test('recent failures: counted runs that did not complete, newest first', async () => {
    const at = (secondsAgo: number) => ({ endedAt: { us: nowUs - secondsAgo * 1e6, ns: 0 }, completed: false });
    await store({
      runs: [
        run('failed', { ...at(30), state: 'FAILED' }),
        run('handled', { ...at(10), state: 'SUCCEEDED' }),
        run('lost', { ...at(20), state: 'ABANDONED', durationUs: null }),
        run('cancelled', { ...at(5), state: 'CANCELLED' }),
        run('old', { ...at(25 * 3_600), state: 'FAILED' }),
        run('fine', {}),
      ],
    });
    expect(await ask(exporter, 'SELECT run_id FROM recent_failures')).toBe('handled\nlost\nfailed');
  });
});

describe('runs_in_flight', () => {
  test('age, the newest version, gone with its tombstone, and never below zero', async () => {
    await store({
      inFlight: [
        inFlight('a', { version: 1 }),
        inFlight('b', { version: 1 }),
        inFlight('future', { startedAt: { us: nowUs + 3_600e6, ns: 0 } }),
      ],
    });
    await store({
      inFlight: [inFlight('a', { version: 2, currentStep: 'ship' }), inFlight('b', { version: 2, deleted: true })],
    });
    expect(
      await ask(
        exporter,
        'SELECT run_id, current_step, age_ms >= 90000, age_ms < 0 FROM runs_in_flight ORDER BY run_id',
      ),
    ).toBe('a\tship\t1\t0\nfuture\tcharge-card\t0\t0');
  });
});

describe('over time and steps', () => {
  test('process_health_over_time adds up the writers of a pane and keeps the resolutions apart', async () => {
    const pane = processPane(3, { succeeded: 3, failed: 1, completed: 2, duration: digest(1, 2, 3), queue: digest(4) });
    await store({
      processPanes: [
        pane,
        { ...pane, resolution: '1h', pane: Math.floor(pane.pane / 3_600) * 3_600, failed: 0, completed: 3 },
      ],
    });
    expect(
      await ask(
        exporter,
        'SELECT resolution, runs, completed, completion_rate, success_rate, p50_ms, queue_p95_ms FROM process_health_over_time ORDER BY resolution',
      ),
    ).toBe('1h\t3\t3\t1\t1\t2\t4\n1m\t4\t2\t0.5\t0.75\t2\t4');
  });

  test('slow_steps: executions, errors, quantiles; an empty digest is NULL', async () => {
    await store({
      stepPanes: [
        stepPane(1, 'charge', { executions: 4, errors: 1, attempts: 6, duration: digest(10, 20, 30) }),
        stepPane(1, 'wait', { executions: 1 }),
        stepPane(1, 'gone', {}),
      ],
    });
    expect(
      await ask(
        exporter,
        "SELECT step, executions, errors, attempts, p50_ms, p95_ms FROM slow_steps WHERE window = '1h' ORDER BY step",
      ),
    ).toBe('charge\t4\t1\t6\t20\t30\nwait\t1\t0\t0\t\\N\t\\N');
  });
});
