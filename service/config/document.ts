/**
 * Every setting that a user may write, with its kind and default.
 * Owns names and defaults of the document; settings.ts turns the checked document into what each stage takes.
 */
import { z } from 'zod';
import {
  anyText,
  clickHouseEndpoint,
  decimal,
  duration,
  identifier,
  integer,
  listenAddress,
  loopbackAddress,
  notAvailableYet,
  oneOf,
  onlyForNow,
  text,
} from './scalars.ts';

const second = 1_000_000;
const day = 86_400 * second;

/** A map with exactly these keys; an empty section (`grpc:`) is the section with its defaults. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape));
}

/** What an entry of a component section may be besides the components that we have; components.ts judges the names. */
function components<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.looseObject(shape));
}

const grpc = section({
  endpoint: listenAddress().prefault('localhost:4317'),
  max_recv_msg_size_mib: integer(1, 1024).prefault(20),
  tls: notAvailableYet(),
  auth: notAvailableYet(),
});

const http = section({
  endpoint: listenAddress().prefault('localhost:4318'),
  /** Bytes, compressed and inflated. */
  max_request_body_size: integer(1, 2 ** 30).prefault(20 * 2 ** 20),
  tls: notAvailableYet(),
  auth: notAvailableYet(),
});

const otlp = section({ protocols: section({ grpc: grpc.optional(), http: http.optional() }).prefault({}) });

const workflow = section({
  settle: duration(0).prefault('2s'),
  late_window: duration().prefault('24h'),
  run_timeout: duration().prefault('24h'),
  suspended_timeout: duration().prefault('720h'),
  undecided_wait: duration().prefault('30s'),
  max_open_runs: integer(1, 10_000_000).prefault(1_000_000),
  max_spans_per_run: integer(10, 1_000_000).prefault(10_000),
  windows: onlyForNow(['5m', '1h', '24h']).optional(),
  stuck: section({
    factor: decimal(1, 1000).prefault(4),
    min: duration().prefault('1m'),
    default: duration().prefault('1h'),
  }).optional(),
  process_name: onlyForNow('{workflow.name}').optional(),
});

const clickhouse = section({
  endpoint: clickHouseEndpoint().prefault('embedded'),
  listen: loopbackAddress().prefault('localhost:8123'),
  database: identifier().prefault('finishline'),
  username: text().optional(),
  password: anyText().optional(),
  timeout: duration(second).optional(),
  /** How long runs and steps are kept after they were written. */
  ttl: duration(day).optional(),
  retry_on_failure: section({
    enabled: onlyForNow(true).optional(),
    initial_interval: duration().optional(),
    max_interval: duration().optional(),
    multiplier: decimal(1, 100).optional(),
    randomization_factor: decimal(0, 1).optional(),
  }).prefault({}),
  sending_queue: section({
    enabled: onlyForNow(true).optional(),
    sizer: oneOf(['items', 'bytes']).prefault('items'),
    queue_size: integer(1, 2 ** 32).optional(),
  }).prefault({}),
  tls: notAvailableYet(),
});

const pipeline = section({
  receivers: z.array(z.string()).prefault(['otlp']),
  processors: z.array(z.string()).prefault(['workflow']),
  exporters: z.array(z.string()).prefault(['clickhouse']),
});

const service = section({
  storage: section({ directory: text('a directory').prefault('./finishline-data') }).prefault({}),
  admin: section({
    endpoint: listenAddress().prefault('localhost:8090'),
    tls: notAvailableYet(),
    auth: notAvailableYet(),
  }).prefault({}),
  telemetry: section({
    logs: section({ level: oneOf(['debug', 'info', 'warn', 'error']).prefault('info') }).prefault({}),
  }).prefault({}),
  extensions: z.array(z.string()).prefault([]),
  pipelines: components({ traces: pipeline.prefault({}) }).prefault({}),
});

export const documentSchema = section({
  receivers: components({ otlp: otlp.prefault({}) }).prefault({}),
  processors: components({ workflow: workflow.prefault({}) }).prefault({}),
  exporters: components({ clickhouse: clickhouse.prefault({}) }).prefault({}),
  extensions: components({}).prefault({}),
  connectors: components({}).prefault({}),
  service: service.prefault({}),
});

/** The checked document: every default filled in, durations in µs, addresses parsed. */
export type SettingsDocument = z.output<typeof documentSchema>;

/** What runs when nothing is configured. */
export const defaultDocument = {
  receivers: { otlp: { protocols: { grpc: {}, http: {} } } },
  processors: { workflow: {} },
  exporters: { clickhouse: {} },
};
