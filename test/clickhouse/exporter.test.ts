/** The exporter as the service uses it: crashes under load, servers that are away, refusals at start, the end. */
import { createClient } from '@clickhouse/client';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClickHouseExporter } from '../../exporter/clickhouse/clickhouse-exporter.ts';
import {
  defaultClickHouseExporterConfig,
  formatAddress,
  type ClickHouseExporterConfig,
} from '../../exporter/clickhouse/config.ts';
import { EmbeddedEngine } from '../../exporter/clickhouse/embedded/engine.ts';
import { SchemaTooNewError } from '../../exporter/clickhouse/migrate.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import {
  ask,
  batch,
  digest,
  makeExporter,
  processPane,
  RecordingTelemetry,
  run,
  step,
  temporaryDirectory,
  until,
} from './support.ts';

function directory(): string {
  const temporary = temporaryDirectory();
  onTestFinished(() => temporary[Symbol.dispose]());
  return temporary.path;
}

function makeEnding(
  path: string,
  config: Partial<ClickHouseExporterConfig> = {},
  telemetry = new RecordingTelemetry(),
): ClickHouseExporter {
  const exporter = makeExporter(path, config, telemetry);
  onTestFinished(() => exporter[Symbol.asyncDispose]());
  return exporter;
}

/** A ClickHouse server that the exporter reaches by URL: an engine of its own, without our tables. */
async function startServer(
  path: string,
  port = 0,
): Promise<{ engine: EmbeddedEngine; server: Partial<ClickHouseExporterConfig> }> {
  const engine = new EmbeddedEngine({
    directory: path,
    listen: { host: '127.0.0.1', port },
    database: 'finishline',
    settings: defaultClickHouseExporterConfig.engine,
    telemetry: silentTelemetry,
  });
  onTestFinished(() => engine.stop());
  await engine.start();
  return {
    engine,
    server: {
      endpoint: `http://${formatAddress(engine.address)}`,
      username: 'finishline',
      password: engine.writerPassword,
    },
  };
}

async function count(exporter: ClickHouseExporter, table: string): Promise<number> {
  const result = await exporter.reader.query({ query: `SELECT count() AS n FROM ${table}`, format: 'JSONEachRow' });
  return Number((await result.json<{ n: string }>())[0]!.n);
}

describe('the embedded engine', () => {
  test('is ready when start resolves, and keeps its rows for the next start', async () => {
    const path = directory();
    const first = makeEnding(path);
    expect(first.notReadyReason()).toContain('not been started');
    await first.start();
    expect(first.notReadyReason()).toBeUndefined();
    await first.consume(batch({ runs: [run('kept')] }));
    await first[Symbol.asyncDispose]();
    const second = makeEnding(path);
    await second.start();
    expect(await ask(second, 'SELECT run_id FROM runs')).toBe('kept');
  });

  test('killed again and again under inserts: every flushed row is there, nothing twice, readiness says when', async () => {
    const telemetry = new RecordingTelemetry();
    const exporter = makeEnding(directory(), { block: { maxRows: 50, maxBytes: 1 << 20, maxAgeMs: 5 } }, telemetry);
    await exporter.start();
    let flushed = 0;
    for (let kill = 0; kill < 5; kill++) {
      const pid = exporter.enginePid!;
      const ended = new AbortController();
      const load = (async () => {
        while (!ended.signal.aborted) {
          const ids = Array.from({ length: 20 }, (_, i) => `run-${flushed + i}`);
          await exporter.consume(batch({ runs: ids.map((id) => run(id)), steps: ids.map((id) => step(id, 'charge')) }));
          await exporter.flush();
          flushed += ids.length;
        }
      })();
      const before = flushed;
      await until(() => flushed > before);
      process.kill(pid, 'SIGKILL');
      await until(() => exporter.notReadyReason() !== undefined);
      await until(() => exporter.notReadyReason() === undefined && exporter.enginePid !== pid);
      ended.abort();
      await load;
    }
    expect(await count(exporter, 'runs')).toBe(flushed);
    expect(await count(exporter, 'steps')).toBe(flushed);
    expect(telemetry.counted('finishline_engine_restarts_total')).toBeGreaterThanOrEqual(5);
    expect(telemetry.counted('finishline_blocks_dropped_total')).toBe(0);
  });

  test('an engine whose door was closed by a reader is started again', async () => {
    const exporter = makeEnding(directory());
    await exporter.start();
    const pid = exporter.enginePid;
    await ask(exporter, 'SYSTEM STOP LISTEN HTTP').catch(() => '');
    await until(
      () => exporter.enginePid !== undefined && exporter.enginePid !== pid && exporter.notReadyReason() === undefined,
    );
    expect(await ask(exporter, 'SELECT count() FROM runs')).toBe('0');
  });

  test('a second exporter on the directory is refused and leaves nothing; disposal is safe twice and without start', async () => {
    const path = directory();
    await makeEnding(path).start();
    const second = makeEnding(path);
    await expect(second.start()).rejects.toThrow('storage directory taken');
    expect(second.enginePid).toBeUndefined();
    await second[Symbol.asyncDispose]();
    await makeEnding(directory())[Symbol.asyncDispose]();
  });

  test('the end leaves no process', async () => {
    const exporter = makeEnding(directory());
    await exporter.start();
    const pid = exporter.enginePid!;
    await exporter[Symbol.asyncDispose]();
    expect(existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')).toBe(false);
  });

  test('blocks of panes stay below the limit of partitions', async () => {
    const exporter = makeEnding(directory());
    await exporter.start();
    const day = 86_400;
    const processPanes = Array.from({ length: 240 }, (_, month) =>
      processPane(0, { resolution: '1h', pane: month * 31 * day, succeeded: 1, duration: digest(1) }),
    );
    await exporter.consume(batch({ processPanes }));
    await exporter.flush();
    expect(await count(exporter, 'process_panes_data')).toBe(240);
  });
});

describe('a server', () => {
  test('is brought to the schema and written to by its URL', async () => {
    const { server } = await startServer(directory());
    const exporter = makeEnding(directory(), server);
    await exporter.start();
    expect(exporter.notReadyReason()).toBeUndefined();
    expect(exporter.enginePid).toBeUndefined();
    await exporter.consume(batch({ runs: [run('remote')] }));
    await exporter.flush();
    expect(await count(exporter, 'runs')).toBe(1);
  });

  test('away at the start: not ready with the reason, rows wait, consume holds when the queue is full; all arrive later', async () => {
    const path = directory();
    const { engine, server } = await startServer(path);
    const { port } = engine.address;
    await engine.stop();
    const telemetry = new RecordingTelemetry();
    const exporter = makeEnding(directory(), { ...server, sendingQueue: { maxBytes: 1 << 20, maxRows: 3 } }, telemetry);
    await exporter.start();
    expect(exporter.notReadyReason()).toContain(`ClickHouse at 127.0.0.1:${port} cannot be used yet: ECONNREFUSED`);
    await exporter.consume(batch({ runs: [run('a'), run('b')] }));
    let taken = false;
    const held = exporter.consume(batch({ runs: [run('c'), run('d')] })).then(() => {
      taken = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(taken).toBe(false);
    // It comes back at the same address, with another password first.
    const back = await startServer(path, port);
    await until(
      () =>
        exporter
          .notReadyReason()
          ?.includes('516 AUTHENTICATION_FAILED (see exporters.clickhouse.username and password)') === true,
    );
    await back.engine.stop();
    const again = await startServerWithPassword(path, port, server.password!);
    await held;
    await exporter.flush();
    await until(() => exporter.notReadyReason() === undefined);
    expect(await count(exporter, 'runs')).toBe(4);
    expect(telemetry.counted('finishline_rows_dropped_total')).toBe(0);
    await exporter[Symbol.asyncDispose]();
    await again.stop();
  });

  test('a newer schema is refused at the start', async () => {
    const { engine, server } = await startServer(directory());
    const first = makeEnding(directory(), server);
    await first.start();
    await first[Symbol.asyncDispose]();
    const client = createClient({ url: server.endpoint!, username: 'finishline', password: engine.writerPassword });
    onTestFinished(() => client.close());
    await client.command({
      query: "INSERT INTO finishline.schema_migrations (number, name, checksum) VALUES (9999, 'future', '')",
    });
    await expect(makeEnding(directory(), server).start()).rejects.toThrow(SchemaTooNewError);
  });

  test('gone for good at the end: disposal ends, what was left is counted as lost', async () => {
    const { engine, server } = await startServer(directory());
    const telemetry = new RecordingTelemetry();
    const exporter = makeEnding(directory(), server, telemetry);
    await exporter.start();
    await engine.stop();
    await exporter.consume(batch({ runs: [run('a'), run('b')], steps: [step('a', 's')] }));
    await exporter[Symbol.asyncDispose]();
    expect(telemetry.counts.get('finishline_rows_dropped_total{"table":"runs_data","reason":"shutdown"}')).toBe(2);
    expect(telemetry.counts.get('finishline_rows_dropped_total{"table":"steps_data","reason":"shutdown"}')).toBe(1);
    expect(telemetry.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  test('rows that the table cannot take are dropped, counted and said; the next block goes on', async () => {
    const { engine, server } = await startServer(directory());
    const telemetry = new RecordingTelemetry();
    const exporter = makeEnding(directory(), server, telemetry);
    await exporter.start();
    // A weight of zero: the engine refuses the state (code 27).
    const bad = Buffer.from(digest(5));
    bad.writeFloatLE(0, 5);
    await exporter.consume(batch({ processPanes: [processPane(1, { duration: bad })] }));
    await exporter.flush();
    await exporter.consume(batch({ processPanes: [processPane(2, { succeeded: 1, duration: digest(5) })] }));
    await exporter.flush();
    expect(await count(exporter, 'process_panes_data')).toBe(1);
    expect(
      telemetry.counts.get('finishline_blocks_dropped_total{"table":"process_panes_data","reason":"unreadable"}'),
    ).toBe(1);
    expect(
      telemetry.counts.get('finishline_rows_dropped_total{"table":"process_panes_data","reason":"unreadable"}'),
    ).toBe(1);
    expect(engine.downReason()).toBeUndefined();
  });
});

/** The same server with the password that the exporter was configured with. */
async function startServerWithPassword(path: string, port: number, password: string): Promise<EmbeddedEngine> {
  const engine = new EmbeddedEngine({
    directory: path,
    listen: { host: '127.0.0.1', port },
    database: 'finishline',
    settings: defaultClickHouseExporterConfig.engine,
    telemetry: silentTelemetry,
    writerPassword: password,
  });
  onTestFinished(() => engine.stop());
  await engine.start();
  return engine;
}
