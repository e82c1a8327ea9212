/**
 * What a user can set about the ClickHouse exporter, in the units the code uses, with its defaults.
 * Owns shapes, defaults and the reading of addresses; the YAML spelling and its checks are in service/config.
 */

export interface RetrySettings {
  readonly initialIntervalMs: number;
  readonly maxIntervalMs: number;
  /** Growth of the interval from try to try. */
  readonly multiplier: number;
  /** Share of the interval by which each wait varies at random, 0..1. */
  readonly randomizationFactor: number;
}

/** Days a row is kept after it was written. */
export interface TtlSettings {
  readonly ledgerDays: number;
  readonly inFlightDays: number;
  readonly minutePanesDays: number;
  readonly hourPanesDays: number;
}

export interface QueueSettings {
  /** Encoded bytes not yet confirmed by ClickHouse, above which `consume` waits. */
  readonly maxBytes: number;
  /** The same in rows. */
  readonly maxRows: number;
}

/** A block is sent as soon as it reaches one of these. */
export interface BlockSettings {
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

export interface EngineSettings {
  /** Memory of the whole embedded engine. */
  readonly maxMemoryBytes: number;
  /** Memory and time of one query of a reader. */
  readonly maxQueryMemoryBytes: number;
  readonly maxQuerySeconds: number;
}

export interface ClickHouseExporterConfig {
  /** `embedded`, or the http(s) URL of a ClickHouse server. */
  readonly endpoint: string;
  /** host:port of the embedded engine's SQL door; loopback only; port 0 picks a free one. */
  readonly listen: string;
  readonly database: string;
  /** User of the server; the embedded engine makes its own writer. */
  readonly username: string;
  readonly password: string;
  /** Cluster of the server: tables become Replicated… and every statement runs ON CLUSTER; '' = none. */
  readonly cluster: string;
  /** Longest time one request may take. */
  readonly timeoutMs: number;
  readonly ttl: TtlSettings;
  readonly retryOnFailure: RetrySettings;
  readonly sendingQueue: QueueSettings;
  readonly block: BlockSettings;
  readonly engine: EngineSettings;
}

export const defaultClickHouseExporterConfig: ClickHouseExporterConfig = {
  endpoint: 'embedded',
  listen: 'localhost:8123',
  database: 'finishline',
  username: 'default',
  password: '',
  cluster: '',
  timeoutMs: 30_000,
  ttl: { ledgerDays: 90, inFlightDays: 3, minutePanesDays: 30, hourPanesDays: 730 },
  retryOnFailure: { initialIntervalMs: 200, maxIntervalMs: 10_000, multiplier: 2, randomizationFactor: 0.3 },
  sendingQueue: { maxBytes: 64 * 1024 * 1024, maxRows: 1_000_000 },
  block: { maxRows: 100_000, maxBytes: 8 * 1024 * 1024, maxAgeMs: 200 },
  engine: { maxMemoryBytes: 1_500_000_000, maxQueryMemoryBytes: 1_000_000_000, maxQuerySeconds: 60 },
};

/** A mistake in the configuration: which setting, what it says, what was expected. */
export class ExporterConfigError extends Error {
  override readonly name = 'ExporterConfigError';
}

export interface ListenAddress {
  /** Numeric loopback address, never a name. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `exporters.clickhouse.listen`. Only loopback is accepted: the embedded engine's door has a reader without a
 * password, and its scalar function `file()` can read what the service's user can read.
 */
export function parseListen(listen: string): ListenAddress {
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new ExporterConfigError(
      `exporters.clickhouse.listen: got '${listen}', expected host:port such as localhost:8123`,
    );
  }
  const name = match[1]!.replace(/^\[|\]$/g, '');
  const host = name === 'localhost' ? '127.0.0.1' : name;
  if (host !== '::1' && !/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) {
    throw new ExporterConfigError(
      `exporters.clickhouse.listen: got '${listen}', but the embedded engine listens on loopback only (localhost, 127.0.0.1, [::1]); ` +
        'for SQL from other machines run a ClickHouse server and set exporters.clickhouse.endpoint to its URL',
    );
  }
  return { host, port };
}

/** host:port as it stands in a URL. */
export function formatAddress(address: ListenAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws {@link ExporterConfigError} when the configuration cannot be used whatever the server says. */
export function checkConfig(config: ClickHouseExporterConfig): void {
  if (!identifier.test(config.database)) {
    throw new ExporterConfigError(
      `exporters.clickhouse.database: got '${config.database}', expected a name of letters, digits and _`,
    );
  }
  if (config.cluster !== '' && !/^[\w.-]+$/.test(config.cluster)) {
    throw new ExporterConfigError(
      `exporters.clickhouse.cluster: got '${config.cluster}', expected letters, digits, _, . and -`,
    );
  }
  if (config.endpoint === 'embedded') {
    parseListen(config.listen);
    return;
  }
  const protocol = URL.parse(config.endpoint)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new ExporterConfigError(
      `exporters.clickhouse.endpoint: got '${config.endpoint}', expected 'embedded' or a URL such as https://host:8443`,
    );
  }
}
