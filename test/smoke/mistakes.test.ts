/** Mistakes of the user's: the exact line on the terminal and exit code 2; a ClickHouse that cannot be used: up, and not ready. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultClickHouseExporterConfig } from '../../exporter/clickhouse/config.ts';
import { writerName } from '../../exporter/clickhouse/embedded/engine-files.ts';
import { EmbeddedEngine } from '../../exporter/clickhouse/embedded/engine.ts';
import { migrate } from '../../exporter/clickhouse/migrate.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import { isolated, mainFile, temporaryDirectory } from '../../bench/started-service.ts';
import { oneRun, sendOneRun } from './one-run.ts';
import { run, RunningService } from './running-service.ts';

const directory = temporaryDirectory();
let taken: Server;
let takenPort: number;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((done) => void taken.listen(0, '127.0.0.1', done));
  takenPort = (taken.address() as AddressInfo).port;
});
afterAll(async () => {
  await new Promise((done) => void taken.close(done));
  rmSync(directory, { recursive: true, force: true });
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return run([process.execPath, mainFile, ...isolated(directory), ...args], { cwd: directory, env });
}

/** Without the log, which is JSON. */
function linesOf(err: string): string[] {
  return err.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
}

function engineIn(folder: string, port = 0): EmbeddedEngine {
  return new EmbeddedEngine({
    directory: folder,
    listen: { host: '127.0.0.1', port },
    database: 'finishline',
    settings: defaultClickHouseExporterConfig.engine,
    telemetry: silentTelemetry,
  });
}

describe('exit code 2 with one line', () => {
  test('an unknown key', async () => {
    writeFileSync(join(directory, 'finishline.yaml'), 'processors:\n  workflow:\n    setle: 2s\n');
    expect(await start(['--config', 'finishline.yaml'])).toEqual({
      code: 2,
      out: '',
      err: "finishline.yaml:3: processors.workflow.setle: unknown key; did you mean 'settle'?\n",
    });
  });

  test('a bad duration', async () => {
    expect(await start(['--set', 'processors.workflow.settle=2 parsecs'])).toEqual({
      code: 2,
      out: '',
      err: '--set processors.workflow.settle: processors.workflow.settle: got "2 parsecs", expected a duration such as 300ms, 2s, 1m30s or 24h\n',
    });
  });

  test('an unknown option, an unknown command, a query that is missing', async () => {
    const unknownOption = await start(['--colour', 'blue']);
    expect([unknownOption.code, unknownOption.err]).toEqual([2, expect.stringMatching(/^Unknown option '--colour'/)]);
    expect(await run([process.execPath, mainFile, 'serv'])).toEqual({
      code: 2,
      out: '',
      err: "finishline serv: unknown command; did you mean 'serve'?\n",
    });
    expect((await run([process.execPath, mainFile, 'sql'])).code).toBe(2);
  });

  test.each([
    ['receivers.otlp.protocols.grpc.endpoint'],
    ['receivers.otlp.protocols.http.endpoint'],
    ['exporters.clickhouse.listen'],
    ['service.admin.endpoint'],
  ])('a port that is taken: %s', async (setting) => {
    const finished = await start(['--set', `${setting}=localhost:${takenPort}`]);
    expect([finished.code, finished.out, linesOf(finished.err)]).toEqual([
      2,
      '',
      [
        `${setting}: 127.0.0.1:${takenPort} is taken by another program (EADDRINUSE); --set ${setting}=localhost:0 takes a free port`,
      ],
    ]);
  });

  test('a storage directory that is a file, or below one', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const finished = await start(['--set', `service.storage.directory=${file}/data`]);
    expect(finished).toEqual({
      code: 2,
      out: '',
      err: `service.storage.directory: cannot write to ${file}/data: ENOTDIR\n`,
    });
  });

  // The superuser may write everywhere, so for him the directory is the kernel's.
  test('a storage directory that may not be written to', async () => {
    const locked = process.getuid?.() === 0 ? '/proc' : join(directory, 'locked');
    if (locked !== '/proc') {
      mkdirSync(locked);
      chmodSync(locked, 0o500);
    }
    const finished = await start(['--set', `service.storage.directory=${locked}/data`]);
    expect(finished).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(
        new RegExp(`^service\\.storage\\.directory: cannot write to ${locked}/data: (EACCES|ENOENT|EPERM)\n$`),
      ),
    });
  });

  test('a storage directory that another Finishline holds', async () => {
    await using first = new RunningService();
    await first.ready();
    const finished = await start(['--set', `service.storage.directory=${first.directory}/data`]);
    expect(finished).toEqual({
      code: 2,
      out: '',
      err: `service.storage.directory: ${first.directory}/data is in use by another Finishline; stop it, or give this one a directory of its own\n`,
    });
  });

  test('tables that a newer version made', async () => {
    const engine = engineIn(join(directory, 'newer', 'clickhouse'));
    await engine.start();
    const { host, port } = engine.address;
    const client = createClient({
      url: `http://${host}:${port}`,
      username: writerName,
      password: engine.writerPassword,
    });
    const { ttl } = defaultClickHouseExporterConfig;
    await migrate(client, { database: 'finishline', cluster: '', ttl, embedded: true });
    await client.command({
      query: `INSERT INTO finishline.schema_migrations (number, name, checksum) VALUES (9999, 'of_tomorrow', '')`,
    });
    await client.close();
    await engine.stop();
    const finished = await start(['--set', `service.storage.directory=${directory}/newer`]);
    expect([finished.code, linesOf(finished.err)]).toEqual([
      2,
      [
        expect.stringMatching(
          /^database finishline has schema 9999 \(of_tomorrow\), this service knows \d+: run the newer service, or use another database$/,
        ),
      ],
    ]);
  });

  test('a platform that has no engine', async () => {
    // What Node says of the machine is what the table of platforms is asked with; nothing else is changed.
    const preload = `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'arch', { value: 'riscv64' });")}`;
    const finished = await start([], { NODE_OPTIONS: `--import=${preload}` });
    expect(finished).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^the embedded ClickHouse engine does not exist for linux-riscv64\S* \(it does for .*\); set exporters\.clickhouse\.endpoint to the URL of a ClickHouse server instead\n$/,
      ),
    });
  });
});

describe('a ClickHouse server that cannot be used', () => {
  test('unreachable: up, not ready with the reason, ready once it is there', async () => {
    const free = createServer();
    await new Promise<void>((done) => void free.listen(0, '127.0.0.1', done));
    const { port } = free.address() as AddressInfo;
    await new Promise((done) => void free.close(done));

    const engine = engineIn(join(directory, 'server'), port);
    const endpoint = `http://127.0.0.1:${port}`;
    const server = [
      '--set',
      `exporters.clickhouse.endpoint=${endpoint}`,
      '--set',
      `exporters.clickhouse.username=${writerName}`,
    ];
    await using service = new RunningService([...server, '--set', 'exporters.clickhouse.password=${env:PASSWORD}'], {
      env: { PASSWORD: engine.writerPassword },
    });
    await service.up();
    const before = await fetch(`${service.admin}/ready`);
    expect([before.status, await before.json()]).toEqual([
      503,
      { status: 'not ready', reasons: [expect.stringMatching(/cannot be used yet: ECONNREFUSED/)] },
    ]);
    // What is sent meanwhile waits.
    expect((await sendOneRun(service.http, oneRun('patient'))).status).toBe(200);
    await engine.start();
    try {
      await service.ready();
      const count = `SELECT count() FROM runs WHERE process = 'patient'`;
      const reader = createClient({ url: endpoint, database: 'finishline' });
      await service.until(async () => {
        const [row] = await (
          await reader.query({ query: count, format: 'JSONCompactEachRow' })
        ).json<[number | string]>();
        return Number(row?.[0]) === 1 ? true : undefined;
      }, 'to write the run');
      await reader.close();
      expect(await service.stop()).toEqual({ code: 0, signal: null });
    } finally {
      await engine.stop();
    }
    expect(service.err).not.toContain(engine.writerPassword);
  });

  test('wrong password: up, not ready with the reason, health is fine', async () => {
    const engine = engineIn(join(directory, 'locked-server'));
    await engine.start();
    try {
      const endpoint = `http://127.0.0.1:${engine.address.port}`;
      const settings = { endpoint, username: writerName, password: 'not-it-at-all' };
      const args = Object.entries(settings).flatMap(([key, value]) => [
        '--set',
        `exporters.clickhouse.${key}=${value}`,
      ]);
      await using service = new RunningService(args);
      await service.up();
      const ready = await fetch(`${service.admin}/ready`);
      expect([ready.status, await ready.json()]).toEqual([
        503,
        {
          status: 'not ready',
          reasons: [expect.stringMatching(/ClickHouse error 516 .*see exporters\.clickhouse\.username and password/)],
        },
      ]);
      expect((await fetch(`${service.admin}/health`)).status).toBe(200);
      expect(service.log).toContainEqual(
        expect.objectContaining({ level: 'warn', message: 'ClickHouse cannot be used yet, will retry' }),
      );
      expect(await service.stop()).toEqual({ code: 0, signal: null });
      expect(service.err).not.toContain('not-it-at-all');
    } finally {
      await engine.stop();
    }
  });
});
