/**
 * The checked document as what each stage and the service itself take.
 * Owns the mapping from names in the file to fields of the stages' configurations; document.ts owns names and defaults.
 */
import { defaultClickHouseExporterConfig, type ClickHouseExporterConfig } from '../../exporter/clickhouse/config.ts';
import { defaultProcessorConfig, type ProcessorConfig } from '../../processor/config.ts';
import type { OtlpReceiverConfig } from '../../receiver/otlp/config.ts';
import type { AdminConfig } from '../admin/admin-server.ts';
import type { TelemetryConfig } from '../telemetry/service-telemetry.ts';
import type { SettingsDocument } from './document.ts';
import { formatListenAddress, isLoopback, type ListenAddress } from './endpoint.ts';
import type { Environment } from './environment.ts';

/** A listening address and the setting that says it. */
export interface Listener {
  readonly setting: string;
  readonly address: ListenAddress;
}

/** How the command line reaches ClickHouse. */
export interface SqlDoorConfig {
  /** Undefined when only the running service knows its port. */
  readonly url: string | undefined;
  readonly database: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

export interface ServiceConfig {
  readonly receiver: OtlpReceiverConfig;
  readonly processor: ProcessorConfig;
  readonly exporter: ClickHouseExporterConfig;
  readonly storageDirectory: string;
  readonly admin: AdminConfig;
  readonly telemetry: TelemetryConfig;
  readonly sql: SqlDoorConfig;
  readonly listeners: readonly Listener[];
  /** Worth one info line each at start. */
  readonly notes: readonly string[];
  /** Worth one `security.*` warning each at start. */
  readonly securityWarnings: readonly string[];
}

export function serviceConfig(
  document: SettingsDocument,
  environment: Environment,
  notes: readonly string[],
): ServiceConfig {
  const bind: Bind = (address) => bound(address, environment['FINISHLINE_BIND']);
  const { grpc, http } = document.receivers.otlp.protocols;
  const { clickhouse } = document.exporters;
  const admin = bind(document.service.admin.endpoint);
  const protocols = 'receivers.otlp.protocols';
  const listeners: Listener[] = [
    ...(grpc === undefined ? [] : [{ setting: `${protocols}.grpc.endpoint`, address: bind(grpc.endpoint) }]),
    ...(http === undefined ? [] : [{ setting: `${protocols}.http.endpoint`, address: bind(http.endpoint) }]),
    { setting: 'service.admin.endpoint', address: admin },
    ...(clickhouse.endpoint === 'embedded'
      ? [{ setting: 'exporters.clickhouse.listen', address: clickhouse.listen }]
      : []),
  ];
  const exposed = listeners.filter(({ address }) => !isLoopback(address.host));
  return {
    receiver: receiverConfig(document.receivers.otlp.protocols, bind),
    processor: processorConfig(document.processors.workflow),
    exporter: exporterConfig(clickhouse),
    storageDirectory: document.service.storage.directory,
    admin,
    telemetry: { logLevel: document.service.telemetry.logs.level, strict: environment['NODE_ENV'] !== 'production' },
    sql: sqlDoor(clickhouse),
    listeners,
    notes: document.processors.workflow.stuck === undefined ? notes : [...notes, stuckNote],
    securityWarnings: exposed.map(
      ({ setting, address }) =>
        `${setting}: ${formatListenAddress(address)} answers anybody who reaches it; this version has no authentication`,
    ),
  };
}

const usPerDay = 86_400_000_000;
const stuckNote = 'processors.workflow.stuck: checked and kept; this version does not look for stuck runs yet';

function bound(address: ListenAddress, bind: string | undefined): ListenAddress {
  return address.host === 'localhost' && bind !== undefined && bind !== '' ? { ...address, host: bind } : address;
}

type Bind = (address: ListenAddress) => ListenAddress;
type Protocols = SettingsDocument['receivers']['otlp']['protocols'];

function receiverConfig({ grpc, http }: Protocols, bind: Bind): OtlpReceiverConfig {
  return {
    ...(grpc && {
      grpc: { endpoint: formatListenAddress(bind(grpc.endpoint)), maxRecvMsgSizeMib: grpc.max_recv_msg_size_mib },
    }),
    ...(http && {
      http: {
        endpoint: formatListenAddress(bind(http.endpoint)),
        maxRequestBodySizeMib: http.max_request_body_size / 2 ** 20,
      },
    }),
  };
}

function processorConfig(workflow: SettingsDocument['processors']['workflow']): ProcessorConfig {
  return {
    ...defaultProcessorConfig,
    settle: workflow.settle,
    lateWindow: workflow.late_window,
    runTimeout: workflow.run_timeout,
    suspendedTimeout: workflow.suspended_timeout,
    undecidedWait: workflow.undecided_wait,
    maxOpenRuns: workflow.max_open_runs,
    maxSpansPerRun: workflow.max_spans_per_run,
  };
}

type ClickHouseDocument = SettingsDocument['exporters']['clickhouse'];

function exporterConfig(clickhouse: ClickHouseDocument): ClickHouseExporterConfig {
  const defaults = defaultClickHouseExporterConfig;
  const { timeout, ttl, retry_on_failure: retry, sending_queue: queue } = clickhouse;
  return {
    ...defaults,
    endpoint: clickhouse.endpoint,
    listen: formatListenAddress(clickhouse.listen),
    database: clickhouse.database,
    username: clickhouse.username ?? defaults.username,
    password: clickhouse.password ?? defaults.password,
    timeoutMs: milliseconds(timeout) ?? defaults.timeoutMs,
    ttl: ttl === undefined ? defaults.ttl : { ...defaults.ttl, ledgerDays: Math.ceil(ttl / usPerDay) },
    retryOnFailure: {
      initialIntervalMs: milliseconds(retry.initial_interval) ?? defaults.retryOnFailure.initialIntervalMs,
      maxIntervalMs: milliseconds(retry.max_interval) ?? defaults.retryOnFailure.maxIntervalMs,
      multiplier: retry.multiplier ?? defaults.retryOnFailure.multiplier,
      randomizationFactor: retry.randomization_factor ?? defaults.retryOnFailure.randomizationFactor,
    },
    sendingQueue: {
      ...defaults.sendingQueue,
      ...(queue.queue_size !== undefined && { [queue.sizer === 'bytes' ? 'maxBytes' : 'maxRows']: queue.queue_size }),
    },
  };
}

function sqlDoor(clickhouse: ClickHouseDocument): SqlDoorConfig {
  const { database, username, password } = clickhouse;
  if (clickhouse.endpoint !== 'embedded') return { url: clickhouse.endpoint, database, username, password };
  const url = clickhouse.listen.port === 0 ? undefined : `http://${formatListenAddress(clickhouse.listen)}`;
  return { url, database, username: undefined, password: undefined };
}

/** The document's durations are in µs. */
function milliseconds(us: number | undefined): number | undefined {
  return us === undefined ? undefined : us / 1000;
}
