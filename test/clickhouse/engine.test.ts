/**
 * The start-up contract of the embedded engine: what we build on and chDB does not document, so that an upgrade that
 * takes it away fails here. Then its supervision: locks, ports, crashes, the end.
 */
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, ClickHouseError } from '@clickhouse/client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { defaultClickHouseExporterConfig, formatAddress } from '../../exporter/clickhouse/config.ts';
import { EmbeddedEngine } from '../../exporter/clickhouse/embedded/engine.ts';
import { RecordingTelemetry, temporaryDirectory, until } from './support.ts';

function makeEngine(directory: string, port = 0, telemetry = new RecordingTelemetry()): EmbeddedEngine {
  const engine = new EmbeddedEngine({
    directory,
    listen: { host: '127.0.0.1', port },
    database: 'finishline',
    settings: defaultClickHouseExporterConfig.engine,
    telemetry,
  });
  onTestFinished(() => engine.stop());
  return engine;
}

function directory(): string {
  const temporary = temporaryDirectory();
  onTestFinished(() => temporary[Symbol.dispose]());
  return temporary.path;
}

function writerOf(engine: EmbeddedEngine) {
  const client = createClient({
    url: urlOf(engine),
    username: 'finishline',
    password: engine.writerPassword,
    database: 'finishline',
  });
  onTestFinished(() => client.close());
  return client;
}

function urlOf(engine: EmbeddedEngine): string {
  return `http://${formatAddress(engine.address)}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

describe('the contract', () => {
  test('it answers a ping, inserts, tells errors by code, and takes the bytes of an aggregate state', async () => {
    const engine = makeEngine(directory());
    await engine.start();
    expect(await (await fetch(`${urlOf(engine)}/ping`)).text()).toBe('Ok.\n');
    const client = writerOf(engine);
    await client.command({
      query: `CREATE TABLE finishline.contract (id UInt8, state AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)) ENGINE = MergeTree ORDER BY id`,
    });
    // Two centroids of weight 1: 10 and 20.
    const state = Buffer.from([2, 0, 0, 0x20, 0x41, 0, 0, 0x80, 0x3f, 0, 0, 0xa0, 0x41, 0, 0, 0x80, 0x3f]);
    const { Readable } = await import('node:stream');
    const inserted = await client.exec({
      query: 'INSERT INTO finishline.contract FORMAT RowBinary',
      values: Readable.from([Buffer.concat([Buffer.from([7]), state])], { objectMode: false }),
    });
    inserted.stream.resume();
    await until(
      async () =>
        (await (
          await client.query({ query: 'SELECT count() AS n FROM finishline.contract', format: 'TabSeparated' })
        ).text()) === '1\n',
    );
    const back = await client.query({
      query: 'SELECT id, lower(hex(state)) AS bytes, finalizeAggregation(state)[1] AS median FROM finishline.contract',
      format: 'JSONEachRow',
    });
    expect(await back.json()).toEqual([{ id: 7, bytes: state.toString('hex'), median: 10 }]);
    const failure: unknown = await client
      .query({ query: 'SELECT * FROM finishline.nothing' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ClickHouseError);
    expect((failure as ClickHouseError).code).toBe('60');
  });

  test('an unqualified name is found without credentials; the writer is nobody without its password', async () => {
    const engine = makeEngine(directory());
    await engine.start();
    await writerOf(engine).command({ query: 'CREATE VIEW finishline.answer AS SELECT 42 AS number' });
    const answer = await fetch(urlOf(engine), { method: 'POST', body: 'SELECT number, currentUser() FROM answer' });
    expect(await answer.text()).toBe('42\tdefault\n');
    expect(await (await fetch(`${urlOf(engine)}/?query=SELECT+number+FROM+answer`)).text()).toBe('42\n');
    const stranger = await fetch(`${urlOf(engine)}/?user=finishline&password=guess`, {
      method: 'POST',
      body: 'SELECT 1',
    });
    expect(stranger.status).toBe(403);
  });

  test('the password is in no file, and the files are the owner’s', async () => {
    const path = directory();
    const engine = makeEngine(path);
    await engine.start();
    for (const file of readdirSync(path).filter((name) => name.endsWith('.xml'))) {
      expect(readFileSync(join(path, file), 'utf8')).not.toContain(engine.writerPassword);
      expect(statSync(join(path, file)).mode & 0o077).toBe(0);
    }
  });

  test('nothing of the environment of the service is in the engine’s', async () => {
    process.env['FINISHLINE_TEST_SECRET'] = 'hush';
    onTestFinished(() => {
      delete process.env['FINISHLINE_TEST_SECRET'];
    });
    const engine = makeEngine(directory());
    await engine.start();
    const environment = readFileSync(`/proc/${engine.pid}/environ`, 'utf8');
    expect(environment).toContain('TZ=UTC');
    expect(environment).not.toContain('hush');
  });
});

describe('supervision', () => {
  test('a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const engine = makeEngine(directory(), port);
    await expect(engine.start()).rejects.toThrow(
      `port taken: another program listens on 127.0.0.1:${port}; stop it or change exporters.clickhouse.listen`,
    );
    expect(engine.pid).toBeUndefined();
  });

  test('a directory that another engine has open', async () => {
    const path = directory();
    await makeEngine(path).start();
    const second = makeEngine(path);
    await expect(second.start()).rejects.toThrow(
      `storage directory taken: another process has the ClickHouse data in ${path} open`,
    );
    expect(second.pid).toBeUndefined();
  });

  test('a directory that cannot be written', async () => {
    const file = join(directory(), 'a-file');
    writeFileSync(file, '');
    await expect(makeEngine(join(file, 'clickhouse')).start()).rejects.toThrow(
      `cannot write the storage directory ${file}`,
    );
  });

  test('killed, it comes back at the same address with its data; the password stays', async () => {
    const telemetry = new RecordingTelemetry();
    const engine = makeEngine(directory(), 0, telemetry);
    await engine.start();
    const client = writerOf(engine);
    await client.command({ query: 'CREATE TABLE finishline.kept (id UInt8) ENGINE = MergeTree ORDER BY id' });
    await client.insert({ table: 'finishline.kept', values: [{ id: 5 }], format: 'JSONEachRow' });
    const { address, pid } = engine;
    process.kill(pid!, 'SIGKILL');
    await until(() => engine.downReason() !== undefined);
    expect(engine.downReason()).toContain('SIGKILL');
    await until(() => engine.downReason() === undefined);
    expect(engine.address).toEqual(address);
    expect(engine.pid).not.toBe(pid);
    expect(telemetry.counted('finishline_engine_restarts_total')).toBe(1);
    expect(await (await client.query({ query: 'SELECT id FROM finishline.kept', format: 'TabSeparated' })).text()).toBe(
      '5\n',
    );
  });

  test('signals to the process group do not end it, stop does, and leaves nothing', async () => {
    const engine = makeEngine(directory());
    await engine.start();
    const pid = engine.pid!;
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect(await (await fetch(`${urlOf(engine)}/ping`)).text()).toBe('Ok.\n');
    await engine.stop();
    expect(isRunning(pid)).toBe(false);
    expect(engine.downReason()).toContain('stopped');
    await engine.stop();
  });

  test('it dies with its parent, however the parent dies', async () => {
    const path = directory();
    const source = `
      import { EmbeddedEngine } from ${JSON.stringify(new URL('../../exporter/clickhouse/embedded/engine.ts', import.meta.url).href)};
      import { silentTelemetry } from ${JSON.stringify(new URL('../../schema/telemetry.ts', import.meta.url).href)};
      const engine = new EmbeddedEngine({ directory: ${JSON.stringify(path)}, listen: { host: '127.0.0.1', port: 0 }, database: 'finishline',
        settings: ${JSON.stringify(defaultClickHouseExporterConfig.engine)}, telemetry: silentTelemetry });
      await engine.start();
      console.log(engine.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const pid = Number(
      await new Promise<string>((resolve) => parent.stdout.once('data', (chunk: Buffer) => resolve(String(chunk)))),
    );
    expect(isRunning(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => !isRunning(pid));
  });
});
