/** What the tests against the real engine share: temporary directories, a recording telemetry, rows with every field. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClickHouseExporter } from '../../exporter/clickhouse/clickhouse-exporter.ts';
import { defaultClickHouseExporterConfig, type ClickHouseExporterConfig } from '../../exporter/clickhouse/config.ts';
import type {
  InFlightRow,
  ProcessPaneRow,
  RowBatch,
  RunRow,
  SpanRecord,
  StepPaneRow,
  StepRow,
} from '../../schema/rows.ts';
import { silentTelemetry, type Labels, type Telemetry } from '../../schema/telemetry.ts';

export const testConfig: ClickHouseExporterConfig = {
  ...defaultClickHouseExporterConfig,
  listen: 'localhost:0',
  block: { ...defaultClickHouseExporterConfig.block, maxAgeMs: 20 },
  retryOnFailure: { initialIntervalMs: 20, maxIntervalMs: 200, multiplier: 2, randomizationFactor: 0.2 },
};

export class RecordingTelemetry implements Telemetry {
  readonly counts = new Map<string, number>();
  readonly lines: { level: string; message: string; fields: unknown }[] = [];

  debug(): void {}
  gauge(): void {}
  observe(): void {}
  info(message: string, fields?: unknown): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(message: string, fields?: unknown): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(message: string, fields?: unknown): void {
    this.lines.push({ level: 'error', message, fields });
  }
  count(metric: string, by: number, labels?: Labels): void {
    const key = labels === undefined ? metric : `${metric}${JSON.stringify(labels)}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }
  counted(metric: string): number {
    return [...this.counts].filter(([key]) => key.startsWith(metric)).reduce((sum, [, value]) => sum + value, 0);
  }
}

/** A storage directory that goes away with its scope. */
export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'finishline-clickhouse-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function makeExporter(
  storageDirectory: string,
  config: Partial<ClickHouseExporterConfig> = {},
  telemetry: Telemetry = silentTelemetry,
  writer = 'writer-1',
): ClickHouseExporter {
  return new ClickHouseExporter({ ...testConfig, ...config }, { writer, storageDirectory, telemetry });
}

/** Asks the public SQL door as a program without credentials does. */
export async function ask(exporter: ClickHouseExporter, sql: string, parameters = ''): Promise<string> {
  const response = await fetch(`${exporter.sqlUrl}/?${parameters}`, { method: 'POST', body: sql });
  return (await response.text()).trim();
}

export async function askRows<Row>(exporter: ClickHouseExporter, sql: string, parameters = ''): Promise<Row[]> {
  const text = await ask(
    exporter,
    `${sql} FORMAT JSONEachRow`,
    `output_format_json_quote_64bit_integers=0&${parameters}`,
  );
  if (/^Code: \d+/.test(text)) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

export function batch(rows: Partial<RowBatch>): RowBatch {
  return { runs: [], steps: [], inFlight: [], processPanes: [], stepPanes: [], ...rows };
}

const latin1 = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');
export const traceId = latin1('00ff8081c3a9220a0d5c27000102030f');
export const spanId = latin1('80ffc3a90a5c2700');

export const nowUs = Date.now() * 1_000;

export function span(over: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId,
    spanId,
    parentSpanId: '',
    hashHigh: 0xffff_fffe,
    hashLow: 0x8000_0001,
    start: { us: nowUs - 1_500, ns: 7 },
    end: { us: nowUs, ns: 999 },
    status: 2,
    details: '',
    ...over,
  };
}

export function run(runId: string, over: Partial<RunRow> = {}): RunRow {
  return {
    key: { openedDay: Math.floor(nowUs / 86_400e6), environment: 'prod', process: 'checkout', runId },
    version: 1,
    deleted: false,
    service: 'shop',
    serviceVersion: '1.2',
    dialect: 'native',
    state: 'SUCCEEDED',
    trigger: 'http',
    groupId: '',
    parentRunId: '',
    traceId,
    enqueuedAt: null,
    startedAt: { us: nowUs - 1_500, ns: 7 },
    endedAt: { us: nowUs, ns: 999 },
    durationUs: 1_500,
    queueUs: null,
    failingStep: '',
    errorType: '',
    errorMessage: '',
    steps: 1,
    erroredSteps: 0,
    attempts: 1,
    completed: true,
    recovered: false,
    quality: [],
    spans: [span()],
    ...over,
  };
}

export function step(runId: string, name: string, over: Partial<StepRow> = {}): StepRow {
  return {
    key: run(runId).key,
    step: name,
    execution: 1,
    version: 1,
    deleted: false,
    runEndedAt: { us: nowUs, ns: 0 },
    kind: 'step',
    verb: 'POST',
    stepKey: name,
    state: 'SUCCEEDED',
    attempts: 1,
    startedAt: { us: nowUs - 1_000, ns: 0 },
    endedAt: { us: nowUs, ns: 0 },
    durationUs: 1_000,
    errorType: '',
    errorMessage: '',
    cached: false,
    blamed: false,
    traceId,
    spanId,
    spans: [span()],
    ...over,
  };
}

export function inFlight(runId: string, over: Partial<InFlightRow> = {}): InFlightRow {
  return {
    key: run(runId).key,
    version: 1,
    deleted: false,
    service: 'shop',
    dialect: 'native',
    state: 'RUNNING',
    traceId,
    startedAt: { us: nowUs - 90_000_000, ns: 0 },
    lastSeenAt: nowUs - 30_000_000,
    currentStep: 'charge-card',
    ...over,
  };
}

/** State bytes of a quantilesTDigest: each value one centroid of weight 1. */
export function digest(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(1 + values.length * 8);
  bytes[0] = values.length;
  values
    .toSorted((a, b) => a - b)
    .forEach((value, index) => {
      bytes.writeFloatLE(value, 1 + index * 8);
      bytes.writeFloatLE(1, 5 + index * 8);
    });
  return bytes;
}

/** A minute pane that began so many minutes before this one. */
export function processPane(minutesAgo: number, over: Partial<ProcessPaneRow> = {}): ProcessPaneRow {
  return {
    resolution: '1m',
    pane: thisMinute() - minutesAgo * 60,
    environment: 'prod',
    process: 'checkout',
    version: 1,
    succeeded: 0,
    failed: 0,
    abandoned: 0,
    cancelled: 0,
    skipped: 0,
    continued: 0,
    completed: 0,
    recovered: 0,
    late: 0,
    sampled: 0,
    duration: digest(),
    queue: digest(),
    durationSumUs: 0,
    durationMaxUs: 0,
    ...over,
  };
}

export function stepPane(minutesAgo: number, name: string, over: Partial<StepPaneRow> = {}): StepPaneRow {
  return {
    resolution: '1m',
    pane: thisMinute() - minutesAgo * 60,
    environment: 'prod',
    process: 'checkout',
    step: name,
    version: 1,
    executions: 0,
    errors: 0,
    attempts: 0,
    blamed: 0,
    duration: digest(),
    ...over,
  };
}

export function thisMinute(): number {
  return Math.floor(Date.now() / 60_000) * 60;
}
