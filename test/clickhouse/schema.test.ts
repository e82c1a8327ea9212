/** Migrations, tables.ts and TTLs against the real engine. */
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultClickHouseExporterConfig, formatAddress } from '../../exporter/clickhouse/config.ts';
import { EmbeddedEngine } from '../../exporter/clickhouse/embedded/engine.ts';
import { migrate, SchemaChangedError, SchemaTooNewError } from '../../exporter/clickhouse/migrate.ts';
import { migrationsFolder, readSqlFiles, viewsFolder } from '../../exporter/clickhouse/sql-files.ts';
import { insertStatement } from '../../exporter/clickhouse/block-sender.ts';
import { tables, type TableName } from '../../schema/tables.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import { temporaryDirectory } from './support.ts';

const { ttl, engine: settings } = defaultClickHouseExporterConfig;
const target = { database: 'finishline', cluster: '', embedded: true, ttl };
const temporary = temporaryDirectory();
const engine = new EmbeddedEngine({
  directory: temporary.path,
  listen: { host: '127.0.0.1', port: 0 },
  database: 'finishline',
  settings,
  telemetry: silentTelemetry,
});
let client: ClickHouseClient;

beforeAll(async () => {
  await engine.start();
  client = createClient({
    url: `http://${formatAddress(engine.address)}`,
    username: 'finishline',
    password: engine.writerPassword,
  });
});

afterAll(async () => {
  await client.close();
  await engine.stop();
  temporary[Symbol.dispose]();
});

async function rows<Row>(query: string): Promise<Row[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}

describe('migrate', () => {
  test('applies every file once, and nothing the second time', async () => {
    const names = readSqlFiles(migrationsFolder).map(({ number, name }) => `${number}_${name}`);
    expect(await migrate(client, target)).toEqual(names);
    expect(await migrate(client, target)).toEqual([]);
    const applied = await rows<{ id: string }>(
      "SELECT concat(toString(number), '_', name) AS id FROM finishline.schema_migrations FINAL ORDER BY number",
    );
    expect(applied.map(({ id }) => id)).toEqual(names);
  });

  test('repeats a file that was interrupted before it was recorded', async () => {
    await client.command({ query: 'TRUNCATE TABLE finishline.schema_migrations' });
    expect((await migrate(client, target)).length).toBe(readSqlFiles(migrationsFolder).length);
  });

  test('refuses a schema newer than it knows', async () => {
    const older = readSqlFiles(migrationsFolder).slice(0, -1);
    const failure: unknown = await migrate(client, { ...target, migrations: older }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SchemaTooNewError);
    expect(String(failure)).toContain('database finishline has schema 3 (panes), this service knows 2');
  });

  test('refuses a file that was changed after it had been applied', async () => {
    const changed = readSqlFiles(migrationsFolder).map((file) =>
      file.number === 2 ? { ...file, checksum: 'other' } : file,
    );
    const failure: unknown = await migrate(client, { ...target, migrations: changed }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SchemaChangedError);
    expect(String(failure)).toContain('schema/migrations/0002_ledger.sql was changed after it had been applied');
  });

  test('sets the TTLs of the configuration, and only where they differ', async () => {
    const ddl = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        (
          await rows<{ name: string; ddl: string }>(
            "SELECT name, create_table_query AS ddl FROM system.tables WHERE database = 'finishline'",
          )
        ).map(({ name, ddl }) => [name, ddl]),
      );
    // Statements that are neither SELECT nor INSERT.
    const statements = async (): Promise<number> =>
      Number(
        (
          await rows<{ n: string }>(
            "SELECT toInt64(sumIf(value, event = 'Query')) - toInt64(sumIf(value, event IN ('SelectQuery', 'InsertQuery'))) AS n FROM system.events",
          )
        )[0]!.n,
      );
    expect((await ddl())['runs_data']).toContain("TTL toDateTime(written_at, 'UTC') + toIntervalDay(90) ");
    expect((await ddl())['step_panes_data']).toContain(
      "TTL toDateTime(written_at, 'UTC') + toIntervalDay(30) WHERE resolution = '1m', toDateTime(written_at, 'UTC') + toIntervalDay(730) WHERE resolution = '1h' ",
    );
    const before = await statements();
    await migrate(client, target);
    expect(await statements()).toBe(before + 1 + readSqlFiles(viewsFolder).length);
    await migrate(client, { ...target, ttl: { ...ttl, ledgerDays: 7 } });
    expect((await ddl())['runs_data']).toContain('toIntervalDay(7)');
    expect((await ddl())['steps_data']).toContain('toIntervalDay(7)');
    await migrate(client, target);
    expect((await ddl())['runs_data']).toContain('toIntervalDay(90)');
  });
});

describe('the tables', () => {
  test.for(Object.keys(tables) as TableName[])('%s is as tables.ts says', async (table) => {
    const described = await rows<{ name: string; type: string; default_type: string }>(
      `DESCRIBE TABLE finishline.${table}`,
    );
    expect(described.map(({ name, type, default_type: kind }) => ({ name, type, filled: kind !== '' }))).toEqual(
      tables[table].map((column) => ({ name: column.name, type: column.type, filled: 'filled' in column })),
    );
  });

  test.for(Object.keys(tables) as TableName[])('%s is synced to the disk at every insert', async (table) => {
    const [found] = await rows<{ ddl: string }>(
      `SELECT create_table_query AS ddl FROM system.tables WHERE database = 'finishline' AND name = '${table}'`,
    );
    for (const setting of ['fsync_after_insert = 1', 'fsync_part_directory = 1', 'min_rows_to_fsync_after_merge = 1']) {
      expect(found!.ddl).toContain(setting);
    }
  });

  test('every time column names its zone', async () => {
    const bare = await rows(
      "SELECT table, name, type FROM system.columns WHERE database = 'finishline' AND type LIKE '%DateTime%' AND type NOT LIKE '%UTC%'",
    );
    expect(bare).toEqual([]);
  });

  test('an insert names every column that the server does not fill', () => {
    expect(insertStatement('finishline', 'step_panes_data')).toBe(
      'INSERT INTO finishline.step_panes_data (resolution, pane, environment, process, step, writer, version, executions, errors, attempts, blamed, duration) FORMAT RowBinary',
    );
  });
});
