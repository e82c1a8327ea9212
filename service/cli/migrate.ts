/**
 * `finishline migrate`: brings the tables up to date without serving, as the service does at its start.
 * Owns what is printed; the migrations are the exporter's. Exit 1 when ClickHouse cannot be used.
 */
import { ClickHouseExporter } from '../../exporter/clickhouse/clickhouse-exporter.ts';
import { createWriterClient } from '../../exporter/clickhouse/clients.ts';
import { classifyFailure } from '../../exporter/clickhouse/failure.ts';
import { migrate, SchemaChangedError, SchemaTooNewError } from '../../exporter/clickhouse/migrate.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import type { ServiceConfig } from '../config/service-config.ts';
import { StorageDirectory } from '../storage/storage-directory.ts';
import { configFrom, readArguments } from './arguments.ts';
import type { CommandIo } from './run-command.ts';

export async function runMigrate(args: readonly string[], io: CommandIo): Promise<number> {
  const config = configFrom(readArguments(args), io.environment);
  if (config.exporter.endpoint === 'embedded') return migrateEmbedded(config, io);
  const { endpoint, database, cluster, ttl, username, password } = config.exporter;
  const client = createWriterClient(config.exporter, endpoint, { username, password });
  try {
    const applied = await migrate(client, { database, cluster, ttl, embedded: false });
    io.out(`${database} at ${endpoint} is up to date; applied now: ${applied.join(', ') || 'nothing'}\n`);
    return 0;
  } catch (error) {
    if (error instanceof SchemaTooNewError || error instanceof SchemaChangedError) throw error;
    io.err(`${endpoint} cannot be used: ${classifyFailure(error).message}\n`);
    return 1;
  } finally {
    await client.close();
  }
}

/** The engine has no other door for writers than a service of its own: it is started for it, and stopped again. */
async function migrateEmbedded(config: ServiceConfig, io: CommandIo): Promise<number> {
  await using storage = await StorageDirectory.open(config.storageDirectory);
  await using exporter = new ClickHouseExporter(config.exporter, {
    writer: storage.writer,
    storageDirectory: storage.path,
    telemetry: silentTelemetry,
  });
  await exporter.start();
  io.out(`${config.exporter.database} in ${storage.path} is up to date\n`);
  return 0;
}
