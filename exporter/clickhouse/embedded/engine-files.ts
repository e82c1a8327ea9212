/**
 * The configuration that the embedded engine is started with: argv, config.xml, users.xml.
 * Owns their text. No secret is in them: of the writer's password only the hash is written, because a reader's
 * scalar function `file()` can read any file that the service's user can.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineSettings, ListenAddress } from '../config.ts';

export const writerName = 'finishline';

/**
 * The statement whose running keeps the engine up. It needs no FILE grant, costs nothing, and ends when it is killed:
 * that is the orderly stop.
 */
export const holdingStatement =
  'SELECT sleepEachRow(0.5) FROM system.numbers FORMAT Null SETTINGS max_block_size = 1, max_threads = 1, max_execution_time = 0';

export interface EngineFiles {
  /** `<storage>/clickhouse`. */
  readonly directory: string;
  readonly address: ListenAddress;
  readonly database: string;
  readonly writerPassword: string;
  readonly settings: EngineSettings;
}

/** Writes the files and returns the argv of the engine. */
export function writeEngineFiles(files: EngineFiles): string[] {
  const dataDirectory = join(files.directory, 'data');
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const configPath = join(files.directory, 'config.xml');
  const usersPath = join(files.directory, 'users.xml');
  writeFileSync(configPath, configXml(usersPath, files), { mode: 0o600 });
  writeFileSync(usersPath, usersXml(files), { mode: 0o600 });
  return [
    'clickhouse',
    `--path=${dataDirectory}`,
    `--http_port=${files.address.port}`,
    `--listen-host=${files.address.host}`,
    `--config-file=${configPath}`,
    '--query',
    `SYSTEM START LISTEN HTTP; ${holdingStatement}`,
  ];
}

export function configXml(usersPath: string, files: EngineFiles): string {
  return `<clickhouse>
  <users_config>${escapeXml(usersPath)}</users_config>
  <!-- An unqualified SELECT finds the product's views only when this and the user's default_database are both set. -->
  <default_database>${files.database}</default_database>
  <timezone>UTC</timezone>
  <max_server_memory_usage>${files.settings.maxMemoryBytes}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
  <keep_alive_timeout>30</keep_alive_timeout>
  <!-- Idle keep-alive connections must not hold up a stop. -->
  <shutdown_wait_unfinished>1</shutdown_wait_unfinished>
</clickhouse>
`;
}

/**
 * Users: `default`, a reader without a password on loopback, and the writer. The engine's own launching session is
 * `default` too, hence SYSTEM LISTEN and system.numbers, and hence no `readonly` (SYSTEM START LISTEN is refused then):
 * what a reader may not do, it may not because nothing grants it.
 */
export function usersXml(files: EngineFiles): string {
  const { maxQueryMemoryBytes, maxQuerySeconds } = files.settings;
  const hash = createHash('sha256').update(files.writerPassword).digest('hex');
  return `<clickhouse>
  <profiles>
    <default/>
    <reader>
      <allow_ddl>0</allow_ddl>
      <max_execution_time>${maxQuerySeconds}</max_execution_time>
      <max_memory_usage>${maxQueryMemoryBytes}</max_memory_usage>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        <max_memory_usage><min>1</min><max>${maxQueryMemoryBytes}</max></max_memory_usage>
        <allow_ddl><const/></allow_ddl>
      </constraints>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.0/8</ip><ip>::1</ip></networks>
      <profile>reader</profile>
      <quota>default</quota>
      <default_database>${files.database}</default_database>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON ${files.database}.*</query>
${readableSystemTables.map((table) => `        <query>GRANT SELECT ON system.${table}</query>`).join('\n')}
      </grants>
    </default>
    <${writerName}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      <networks><ip>127.0.0.0/8</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <default_database>${files.database}</default_database>
      <grants>
        <query>GRANT ALL ON ${files.database}.*</query>
        <query>GRANT TABLE ENGINE ON *</query>
        <query>GRANT SELECT ON system.*</query>
        <query>GRANT KILL QUERY ON *.*</query>
      </grants>
    </${writerName}>
  </users>
</clickhouse>
`;
}

/** What Grafana's data source and other tools read to offer names; `numbers` and `one` are used in plain queries. */
const readableSystemTables = [
  'databases',
  'tables',
  'columns',
  'functions',
  'settings',
  'formats',
  'data_type_families',
  'table_functions',
  'time_zones',
  'numbers',
  'one',
] as const;

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
