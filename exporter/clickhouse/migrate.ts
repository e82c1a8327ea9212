/**
 * Brings a database to the newest schema: migrations forward only, then the views, then the TTLs of the configuration.
 * Owns the order and the checks; every statement is idempotent, so an interrupted or concurrent run does no harm.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { TtlSettings } from './config.ts';
import {
  migrationsFolder,
  readSqlFiles,
  statementsOf,
  viewsFolder,
  type SqlFile,
  type SqlTarget,
} from './sql-files.ts';
import { ttlExpressions } from './ttl.ts';

/** The database was written by a newer service. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';
}

/** A migration that has been applied reads differently now: nobody knows what the tables look like. */
export class SchemaChangedError extends Error {
  override readonly name = 'SchemaChangedError';
}

export interface MigrationOptions extends SqlTarget {
  readonly ttl: TtlSettings;
  /** Other migrations than the service's own; for tests. */
  readonly migrations?: readonly SqlFile[];
}

/** Numbers and names of the migrations that were applied now. Throws {@link SchemaTooNewError}, {@link SchemaChangedError}. */
export async function migrate(client: ClickHouseClient, options: MigrationOptions): Promise<string[]> {
  const migrations = options.migrations ?? readSqlFiles(migrationsFolder);
  await client.command({ query: statementsOf(createDatabase, options)[0]! });
  const pending = pendingMigrations(migrations, await appliedMigrations(client, options.database), options.database);
  for (const migration of pending) {
    for (const query of statementsOf(migration, options)) await client.command({ query });
    await client.command({
      query: `INSERT INTO ${options.database}.schema_migrations (number, name, checksum) VALUES ({number:UInt32}, {name:String}, {checksum:String})`,
      query_params: { number: migration.number, name: migration.name, checksum: migration.checksum },
    });
  }
  for (const view of readSqlFiles(viewsFolder)) {
    for (const query of statementsOf(view, options)) await client.command({ query });
  }
  await applyTtl(client, options);
  return pending.map((migration) => `${migration.number}_${migration.name}`);
}

const createDatabase: SqlFile = {
  number: 0,
  name: 'database',
  checksum: '',
  text: 'CREATE DATABASE IF NOT EXISTS {database}{on_cluster};',
};

interface AppliedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
}

async function appliedMigrations(client: ClickHouseClient, database: string): Promise<AppliedMigration[]> {
  const known = await select<{ found: number }>(
    client,
    `SELECT count() > 0 AS found FROM system.tables WHERE database = '${database}' AND name = 'schema_migrations'`,
  );
  if (!known[0]!.found) return [];
  return select<AppliedMigration>(
    client,
    `SELECT number, name, checksum FROM ${database}.schema_migrations FINAL ORDER BY number`,
  );
}

/** Pure: which of `known` are still to be applied, or why the database cannot be used. */
export function pendingMigrations(
  known: readonly SqlFile[],
  applied: readonly AppliedMigration[],
  database: string,
): SqlFile[] {
  const newest = known.at(-1)?.number ?? 0;
  const tooNew = applied.find((migration) => migration.number > newest);
  if (tooNew !== undefined) {
    throw new SchemaTooNewError(
      `database ${database} has schema ${tooNew.number} (${tooNew.name}), this service knows ${newest}: run the newer service, or use another database`,
    );
  }
  const byNumber = new Map(applied.map((migration) => [migration.number, migration]));
  for (const migration of known) {
    const before = byNumber.get(migration.number);
    if (before !== undefined && before.checksum !== migration.checksum) {
      throw new SchemaChangedError(
        `schema/migrations/${String(migration.number).padStart(4, '0')}_${migration.name}.sql was changed after it had been applied to database ${database} ` +
          `(checksum ${migration.checksum.slice(0, 12)}, applied ${before.checksum.slice(0, 12)}): restore the file and put the change into a new migration`,
      );
    }
  }
  return known.filter((migration) => !byNumber.has(migration.number));
}

/** The TTLs are configuration, not schema: set where they differ, without rewriting what is stored. */
async function applyTtl(client: ClickHouseClient, options: MigrationOptions): Promise<void> {
  const tables = await select<{ name: string; ddl: string }>(
    client,
    `SELECT name, create_table_query AS ddl FROM system.tables WHERE database = '${options.database}'`,
  );
  for (const [table, expression] of Object.entries(ttlExpressions(options.ttl))) {
    if (tables.find(({ name }) => name === table)?.ddl.includes(`TTL ${expression} `)) continue;
    const onCluster = options.cluster === '' ? '' : ` ON CLUSTER '${options.cluster}'`;
    await client.command({
      query: `ALTER TABLE ${options.database}.${table}${onCluster} MODIFY TTL ${expression}`,
      clickhouse_settings: { materialize_ttl_after_modify: 0 },
    });
  }
}

async function select<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  const result = await client.query({ query, format: 'JSONEachRow' });
  return result.json<Row>();
}
