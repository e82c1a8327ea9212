/**
 * Makes the two clients of a ClickHouse: the writer, which the exporter uses, and the reader, which everybody else does.
 * Owns their settings; both are plain `@clickhouse/client`, embedded or not only differs in the URL.
 */
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import type { ClickHouseExporterConfig } from './config.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export function createWriterClient(
  config: ClickHouseExporterConfig,
  url: string,
  credentials: Credentials,
): ClickHouseClient {
  return createClient({
    url,
    ...credentials,
    application: 'finishline',
    request_timeout: config.timeoutMs,
    // One table's blocks never wait for another's, nor for a readiness check.
    max_open_connections: 12,
    keep_alive: { idle_socket_ttl: 2_000 },
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      // Confirmed means inserted, not merely queued in the server's memory.
      async_insert: 0,
      // An error after the first byte of the answer would otherwise come with status 200.
      wait_end_of_query: 1,
    },
  });
}

/**
 * A client that can only read, for `finishline sql`, the API and the web page.
 * `url` is the public SQL door (`http://` + `sqlAddress` when embedded); embedded, the reader is `default` without a password.
 */
export function createReaderClient(config: ClickHouseExporterConfig, url: string): ClickHouseClient {
  const embedded = config.endpoint === 'embedded';
  return createClient({
    url,
    username: embedded ? 'default' : config.username,
    password: embedded ? '' : config.password,
    // Embedded: the reader's own default database, so that what works here works with curl.
    ...(embedded ? {} : { database: config.database }),
    application: 'finishline-reader',
    request_timeout: config.timeoutMs,
    max_open_connections: 8,
    keep_alive: { idle_socket_ttl: 2_000 },
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      // 2, not 1: a reader may still choose settings of its own query, such as max_execution_time.
      readonly: '2',
      // Only queries with `readonly` end when their client goes away.
      cancel_http_readonly_queries_on_client_close: 1,
    },
  });
}
