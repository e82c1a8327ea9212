/** Every row type through the encoder and the engine, read back column by column. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RowSink } from '../../exporter/clickhouse/row-sink.ts';
import type { RunRow } from '../../schema/rows.ts';
import {
  askRows,
  batch,
  digest,
  inFlight,
  makeExporter,
  nowUs,
  processPane,
  run,
  span,
  spanId,
  step,
  stepPane,
  temporaryDirectory,
  thisMinute,
} from './support.ts';

const temporary = temporaryDirectory();
const exporter = makeExporter(temporary.path);

beforeAll(() => exporter.start());
afterAll(async () => {
  await exporter[Symbol.asyncDispose]();
  temporary[Symbol.dispose]();
});

const quoted = 'output_format_json_quote_64bit_integers=1';

const millis = (us: number): string => new Date(Math.floor(us / 1_000)).toISOString().replace('T', ' ').slice(0, 23);
const nanos = (us: number, ns: number): string =>
  new Date(Math.floor(us / 1_000)).toISOString().replace('T', ' ').slice(0, 19) +
  `.${String(us % 1_000_000).padStart(6, '0')}${String(ns).padStart(3, '0')}`;

async function stored(table: string, where: string): Promise<Record<string, unknown>> {
  const arrays =
    table === 'runs_data' || table === 'steps_data'
      ? 'REPLACE (arrayMap(x -> lower(hex(x)), span_trace_ids) AS span_trace_ids, arrayMap(x -> lower(hex(x)), span_ids) AS span_ids, arrayMap(x -> lower(hex(x)), span_parents) AS span_parents)'
      : '';
  const states = table.endsWith('panes_data')
    ? `REPLACE (${table === 'process_panes_data' ? 'lower(hex(queue)) AS queue, ' : ''}lower(hex(duration)) AS duration)`
    : '';
  const rows = await askRows<Record<string, unknown>>(
    exporter,
    `SELECT * EXCEPT (written_at) ${arrays}${states} FROM ${table} WHERE ${where}`,
    quoted,
  );
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

test('a run with every field set', async () => {
  const texts = {
    service: 'šhop',
    serviceVersion: '1'.repeat(15),
    trigger: 'ü'.repeat(64), // 128 bytes of 64 characters: two bytes of length
    groupId: 'x'.repeat(127),
    parentRunId: 'x'.repeat(128),
    failingStep: 'it\'s "quoted"\t\n\\',
    errorType: '\u{1F4A5}',
    errorMessage: 'é'.repeat(9_000),
  };
  await exporter.consume(
    batch({
      runs: [
        run('full', {
          ...texts,
          version: 2 ** 53 - 1,
          state: 'FAILED',
          enqueuedAt: { us: 1_795_000_000_123_456, ns: 789 },
          durationUs: 2 ** 40 + 1,
          queueUs: 0,
          steps: 3,
          erroredSteps: 2,
          attempts: 2 ** 32 - 1,
          completed: false,
          recovered: true,
          quality: ['amended', 'late'],
          spans: [span({ details: '{"ü":1}' }), span({ parentSpanId: spanId, start: { us: 0, ns: 0 }, status: 0 })],
        }),
      ],
    }),
  );
  await exporter.flush();
  expect(await stored('runs_data', "run_id = 'full'")).toEqual({
    opened_day: millis(nowUs).slice(0, 10),
    environment: 'prod',
    process: 'checkout',
    run_id: 'full',
    version: String(2 ** 53 - 1),
    is_deleted: 0,
    writer: 'writer-1',
    service: texts.service,
    service_version: texts.serviceVersion,
    dialect: 'native',
    state: 'FAILED',
    trigger: texts.trigger,
    group_id: texts.groupId,
    parent_run_id: texts.parentRunId,
    trace_id: '00ff8081c3a9220a0d5c27000102030f',
    enqueued_at: millis(1_795_000_000_123_456),
    started_at: millis(nowUs - 1_500),
    ended_at: millis(nowUs),
    duration_us: String(2 ** 40 + 1),
    queue_us: '0',
    failing_step: texts.failingStep,
    error_type: texts.errorType,
    error_message: texts.errorMessage,
    steps: 3,
    errored_steps: 2,
    attempts: 2 ** 32 - 1,
    completed: 0,
    recovered: 1,
    quality: ['amended', 'late'],
    span_trace_ids: ['00ff8081c3a9220a0d5c27000102030f', '00ff8081c3a9220a0d5c27000102030f'],
    span_ids: ['80ffc3a90a5c2700', '80ffc3a90a5c2700'],
    span_parents: ['0000000000000000', '80ffc3a90a5c2700'],
    span_hashes: [String((0xffff_fffen << 32n) | 0x8000_0001n), String((0xffff_fffen << 32n) | 0x8000_0001n)],
    span_starts: [nanos(nowUs - 1_500, 7), '1970-01-01 00:00:00.000000000'],
    span_ends: [nanos(nowUs, 999), nanos(nowUs, 999)],
    span_statuses: [2, 0],
    span_details: ['{"ü":1}', ''],
  });
});

test('what is absent is NULL or empty', async () => {
  await exporter.consume(batch({ runs: [run('bare', { durationUs: null, spans: [] })] }));
  await exporter.flush();
  expect(await stored('runs_data', "run_id = 'bare'")).toMatchObject({
    enqueued_at: null,
    duration_us: null,
    queue_us: null,
    failing_step: '',
    quality: [],
    span_ids: [],
    span_details: [],
  });
});

test('steps of one run, whose keys and trace ids are encoded once and repeated', async () => {
  const names = ['reserve', 'charge', 'ship'];
  await exporter.consume(
    batch({
      steps: names.map((name, index) =>
        step('stepped', name, {
          execution: index + 1,
          blamed: index === 1,
          cached: index === 2,
          verb: `v${index}`,
          stepKey: `k${index}`,
        }),
      ),
    }),
  );
  await exporter.consume(batch({ steps: [step('other', 'reserve', { traceId: spanId + spanId })] }));
  await exporter.flush();
  for (const [index, name] of names.entries()) {
    expect(await stored('steps_data', `run_id = 'stepped' AND step = '${name}'`)).toEqual({
      opened_day: millis(nowUs).slice(0, 10),
      environment: 'prod',
      process: 'checkout',
      run_id: 'stepped',
      step: name,
      execution: index + 1,
      version: '1',
      is_deleted: 0,
      writer: 'writer-1',
      run_ended_at: millis(nowUs),
      kind: 'step',
      verb: `v${index}`,
      step_key: `k${index}`,
      state: 'SUCCEEDED',
      attempts: 1,
      started_at: millis(nowUs - 1_000),
      ended_at: millis(nowUs),
      duration_us: '1000',
      error_type: '',
      error_message: '',
      cached: index === 2 ? 1 : 0,
      blamed: index === 1 ? 1 : 0,
      trace_id: '00ff8081c3a9220a0d5c27000102030f',
      span_id: '80ffc3a90a5c2700',
      span_trace_ids: ['00ff8081c3a9220a0d5c27000102030f'],
      span_ids: ['80ffc3a90a5c2700'],
      span_parents: ['0000000000000000'],
      span_hashes: [String((0xffff_fffen << 32n) | 0x8000_0001n)],
      span_starts: [nanos(nowUs - 1_500, 7)],
      span_ends: [nanos(nowUs, 999)],
      span_statuses: [2],
      span_details: [''],
    });
  }
  expect(await stored('steps_data', "run_id = 'other'")).toMatchObject({
    trace_id: '80ffc3a90a5c270080ffc3a90a5c2700',
  });
});

test('a run in flight', async () => {
  await exporter.consume(batch({ inFlight: [inFlight('flying', { version: 9, state: 'SUSPENDED' })] }));
  await exporter.flush();
  expect(await stored('in_flight_data', "run_id = 'flying'")).toEqual({
    opened_day: millis(nowUs).slice(0, 10),
    environment: 'prod',
    process: 'checkout',
    run_id: 'flying',
    version: '9',
    is_deleted: 0,
    writer: 'writer-1',
    service: 'shop',
    dialect: 'native',
    state: 'SUSPENDED',
    trace_id: '00ff8081c3a9220a0d5c27000102030f',
    started_at: millis(nowUs - 90_000_000),
    last_seen_at: millis(nowUs - 30_000_000),
    current_step: 'charge-card',
  });
});

test('panes and their digests, byte by byte', async () => {
  const counts = {
    succeeded: 1,
    failed: 2,
    abandoned: 3,
    cancelled: 4,
    skipped: 5,
    continued: 6,
    completed: 7,
    recovered: 8,
    late: 9,
    sampled: 10,
  };
  const pane = thisMinute();
  await exporter.consume(
    batch({
      processPanes: [
        processPane(0, {
          ...counts,
          pane,
          duration: digest(3, 1, 2),
          queue: new Uint8Array(0),
          durationSumUs: 2 ** 50,
          durationMaxUs: 11,
        }),
      ],
      stepPanes: [
        stepPane(0, 'charge', { pane, executions: 1, errors: 2, attempts: 3, blamed: 4, duration: digest(1.5) }),
      ],
    }),
  );
  await exporter.flush();
  expect(await stored('process_panes_data', "process = 'checkout'")).toEqual({
    resolution: '1m',
    pane: millis(pane * 1e6),
    environment: 'prod',
    process: 'checkout',
    writer: 'writer-1',
    version: '1',
    ...Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, String(value)])),
    duration: Buffer.from(digest(1, 2, 3)).toString('hex'),
    queue: '00',
    duration_sum_us: String(2 ** 50),
    duration_max_us: '11',
  });
  expect(await stored('step_panes_data', "step = 'charge'")).toEqual({
    resolution: '1m',
    pane: millis(pane * 1e6),
    environment: 'prod',
    process: 'checkout',
    step: 'charge',
    writer: 'writer-1',
    version: '1',
    executions: '1',
    errors: '2',
    attempts: '3',
    blamed: '4',
    duration: Buffer.from(digest(1.5)).toString('hex'),
  });
});

test('times out of range are clamped, not wrapped', async () => {
  const far: Partial<RunRow> = {
    startedAt: { us: -5_000_000, ns: 0 },
    endedAt: { us: Number.MAX_SAFE_INTEGER, ns: 999 },
  };
  await exporter.consume(
    batch({ runs: [run('far', { ...far, spans: [span({ start: { us: -1, ns: 5 }, end: far.endedAt! })] })] }),
  );
  await exporter.flush();
  expect(await stored('runs_data', "run_id = 'far'")).toMatchObject({
    started_at: '1970-01-01 00:00:00.000',
    ended_at: '2255-06-05 23:47:34.740',
    span_starts: ['1970-01-01 00:00:00.000000000'],
    span_ends: ['2255-06-05 23:47:34.740991999'],
  });
});

test('a row that cannot be encoded is refused whole and leaves nothing behind', async () => {
  await expect(exporter.consume(batch({ runs: [run('bad', { spans: [span({ spanId: 'short' })] })] }))).rejects.toThrow(
    'an id has 5 bytes, expected 8',
  );
  await exporter.consume(batch({ runs: [run('good')] }));
  await exporter.flush();
  expect(await stored('runs_data', "run_id = 'good'")).toMatchObject({ service: 'shop' });
  expect(await askRows(exporter, "SELECT 1 FROM runs_data WHERE run_id = 'bad'")).toEqual([]);
});

test('rows over the size of the first buffer', async () => {
  const sink = new RowSink(16);
  for (let i = 0; i < 1_000; i++) sink.end(sink.string(sink.begin(), '0123456789'));
  const bytes = sink.take();
  expect(bytes).toHaveLength(11_000);
  expect(bytes.subarray(10_989).toString('latin1')).toBe('\n0123456789');
});
