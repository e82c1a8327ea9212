/** The configuration: what is read, what is merged, and the exact line for every mistake. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../../service/config/configuration-error.ts';
import { loadConfig } from '../../../service/config/load-config.ts';

const directory = mkdtempSync(join(tmpdir(), 'finishline-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const file = join(directory, 'finishline.yaml');

function load(yaml: string | undefined, settings: readonly string[] = [], environment: Record<string, string> = {}) {
  if (yaml !== undefined) writeFileSync(file, yaml);
  return loadConfig({ files: yaml === undefined ? [] : [file], settings, environment });
}

/** The lines of the mistake, with the file's directory taken off. */
function mistakes(
  yaml: string | undefined,
  settings: readonly string[] = [],
  environment: Record<string, string> = {},
): string[] {
  try {
    load(yaml, settings, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines.map((line) => line.replace(`${directory}/`, ''));
    throw error;
  }
  return [];
}

const designExample = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: localhost:4317 }
      http: { endpoint: localhost:4318 }
processors:
  workflow: { settle: 2s, late_window: 24h, run_timeout: 24h, windows: [5m, 1h, 24h], stuck: { factor: 4, min: 1m, default: 1h }, process_name: '{workflow.name}' }
exporters:
  clickhouse: { endpoint: embedded, listen: localhost:8123, database: finishline }
service:
  storage: { directory: ./finishline-data }
  admin: { endpoint: localhost:8090 }
  telemetry: { logs: { level: info } }
  pipelines:
    traces: { receivers: [otlp], processors: [workflow], exporters: [clickhouse] }
`;

describe('what runs', () => {
  test('the documented example says what runs without any configuration', () => {
    const { notes, ...example } = load(designExample);
    const { notes: none, ...defaults } = load(undefined);
    expect(example).toEqual(defaults);
    expect(notes).toEqual([
      'processors.workflow.stuck: checked and kept; this version does not look for stuck runs yet',
    ]);
    expect(none).toEqual([]);
  });

  test('a file that lists one protocol has that one only; an empty section is its defaults', () => {
    const config = load('receivers:\n  otlp:\n    protocols:\n      http:\n');
    expect(config.listeners).toEqual([
      { setting: 'receivers.otlp.protocols.http.endpoint', address: { host: 'localhost', port: 4318 } },
      { setting: 'service.admin.endpoint', address: { host: 'localhost', port: 8090 } },
      { setting: 'exporters.clickhouse.listen', address: { host: 'localhost', port: 8123 } },
    ]);
  });

  test('--set wins over files, later ones over earlier ones, and leaves the rest alone', () => {
    const config = load('service:\n  admin: { endpoint: localhost:1 }\n', [
      'service.admin.endpoint=localhost:2',
      'service.admin.endpoint=localhost:3',
      'receivers.otlp.protocols.grpc.endpoint=localhost:0',
    ]);
    expect(config.listeners.map(({ address }) => address.port)).toEqual([0, 4318, 3, 8123]);
  });

  test('--set takes lists and maps, and keeps the text of everything else', () => {
    expect(mistakes(undefined, ['service.pipelines.traces.receivers=[otpl]'])).toEqual([
      "--set service.pipelines.traces.receivers: service.pipelines.traces.receivers: 'otpl' is not defined under receivers; did you mean 'otlp'?",
      "--set service.pipelines.traces.receivers: service.pipelines.traces.receivers: 'otlp' is missing; every traces pipeline of Finishline has it",
    ]);
    const config = load(undefined, ['exporters.clickhouse={endpoint: "http://db:8123", password: "0123"}']);
    expect(config.sql).toMatchObject({ url: 'http://db:8123', password: '0123' });
    expect(
      load(undefined, ['exporters.clickhouse.endpoint=http://db', 'exporters.clickhouse.password=0123']).sql.password,
    ).toBe('0123');
  });

  test('two files merge deeply, lists are replaced', () => {
    const second = join(directory, 'second.yaml');
    writeFileSync(file, 'processors:\n  workflow: { settle: 1s, run_timeout: 1h }\n');
    writeFileSync(second, 'processors:\n  workflow: { settle: 3s }\n');
    const { processor } = loadConfig({ files: [file, second], settings: [], environment: {} });
    expect([processor.settle, processor.runTimeout]).toEqual([3_000_000, 3_600_000_000]);
  });

  test('the environment is expanded, with defaults, and a dollar sign is written twice', () => {
    const yaml = [
      'exporters:',
      '  clickhouse:',
      '    endpoint: http://${env:DB_HOST:-localhost}:${env:DB_PORT}',
      '    username: ${env:EMPTY:-reader}',
      '    password: $$${env:SECRET}',
    ].join('\n');
    const config = load(yaml, [], { DB_PORT: '8124', EMPTY: '', SECRET: 'x' });
    expect(config.sql).toEqual({
      url: 'http://localhost:8124',
      database: 'finishline',
      username: 'reader',
      password: '$x',
    });
  });

  test('a name that is not set in the environment expands to nothing, with a note', () => {
    const { notes } = load('exporters:\n  clickhouse:\n    password: ${env:NOT_SET}\n');
    expect(notes.map((note) => note.replace(`${directory}/`, ''))).toEqual([
      'finishline.yaml:3: exporters.clickhouse.password: NOT_SET is not set in the environment, using nothing',
    ]);
  });

  test('FINISHLINE_BIND replaces localhost everywhere but at the SQL door, with a warning each', () => {
    const config = load(undefined, ['service.admin.endpoint=127.0.0.1:8090'], { FINISHLINE_BIND: '0.0.0.0' });
    expect(config.listeners.map(({ address }) => address.host)).toEqual([
      '0.0.0.0',
      '0.0.0.0',
      '127.0.0.1',
      'localhost',
    ]);
    expect(config.sql.url).toBe('http://localhost:8123');
    expect(config.securityWarnings).toEqual([
      'receivers.otlp.protocols.grpc.endpoint: 0.0.0.0:4317 answers anybody who reaches it; this version has no authentication',
      'receivers.otlp.protocols.http.endpoint: 0.0.0.0:4318 answers anybody who reaches it; this version has no authentication',
    ]);
  });

  test('what a Collector file has besides is accepted with a line that says what does its work', () => {
    const yaml = [
      'extensions:',
      '  health_check: { endpoint: localhost:13133 }',
      '  file_storage:',
      'receivers: { otlp: { protocols: { grpc: {}, http: {} } } }',
      'processors:',
      '  batch: { timeout: 1s }',
      '  memory_limiter/small: { check_interval: 1s, limit_mib: 400 }',
      'service:',
      '  extensions: [health_check, file_storage]',
      '  pipelines:',
      '    traces: { receivers: [otlp], processors: [memory_limiter/small, batch, workflow], exporters: [clickhouse] }',
    ].join('\n');
    expect(load(yaml).notes.map((note) => note.replace(`${directory}/`, ''))).toEqual([
      'finishline.yaml:6: processors.batch: accepted, but not needed: the ClickHouse exporter makes blocks by rows, bytes and age',
      'finishline.yaml:7: processors.memory_limiter/small: accepted, but not needed: the receiver bounds what a request may hold and the processor bounds its open runs',
      'finishline.yaml:2: extensions.health_check: accepted, but not needed: /health and /ready of service.admin.endpoint answer',
      'finishline.yaml:3: extensions.file_storage: accepted, but not needed: service.storage.directory keeps the data',
    ]);
  });
});

describe('mistakes', () => {
  const traces =
    'service: { pipelines: { traces: { receivers: [otlp], processors: [workflow], exporters: [clickhouse] } } }';
  const table: readonly (readonly [name: string, yaml: string, line: string])[] = [
    [
      'unknown key, one edit away',
      'processors:\n  workflow:\n    setle: 2s',
      "finishline.yaml:3: processors.workflow.setle: unknown key; did you mean 'settle'?",
    ],
    [
      'unknown key, near to nothing',
      'service:\n  storage:\n    colour: blue',
      'finishline.yaml:3: service.storage.colour: unknown key; known here: directory',
    ],
    ['unknown section', 'recievers: {}', "finishline.yaml:1: recievers: unknown key; did you mean 'receivers'?"],
    [
      'bad duration',
      'processors:\n  workflow: { settle: 2 parsecs }',
      'finishline.yaml:2: processors.workflow.settle: got "2 parsecs", expected a duration such as 300ms, 2s, 1m30s or 24h',
    ],
    [
      'duration without a unit',
      'processors:\n  workflow:\n    run_timeout: 24',
      'finishline.yaml:3: processors.workflow.run_timeout: got 24, expected a duration such as 300ms, 2s, 1m30s or 24h',
    ],
    [
      'wrong type',
      'receivers:\n  otlp:\n    protocols: 4317',
      'finishline.yaml:3: receivers.otlp.protocols: got 4317, expected a map',
    ],
    [
      'a list in the place of a map',
      'processors: [workflow]',
      'finishline.yaml:1: processors: got a list, expected a map',
    ],
    [
      'an address without a port',
      'service:\n  admin:\n    endpoint: localhost',
      'finishline.yaml:3: service.admin.endpoint: got "localhost", expected host:port such as localhost:4317 (port 0 takes a free one)',
    ],
    [
      'a port that is none',
      'service:\n  admin:\n    endpoint: localhost:65536',
      'finishline.yaml:3: service.admin.endpoint: got "localhost:65536", expected host:port such as localhost:4317 (port 0 takes a free one)',
    ],
    [
      'a number out of its range',
      'receivers:\n  otlp:\n    protocols:\n      grpc: { max_recv_msg_size_mib: 0 }',
      'finishline.yaml:4: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: got 0, expected a whole number from 1 to 1024',
    ],
    [
      'a level that is none',
      'service: { telemetry: { logs: { level: loud } } }',
      'finishline.yaml:1: service.telemetry.logs.level: got "loud", expected one of debug, info, warn, error',
    ],
    [
      'a component of the Collector',
      'receivers:\n  otlp:\n  jaeger:\n',
      "finishline.yaml:3: receivers.jaeger: the Collector's jaeger receiver is not part of Finishline; run a Collector in front",
    ],
    [
      'a misspelt component',
      'exporters:\n  clickhose: {}\n',
      "finishline.yaml:2: exporters.clickhose: the Collector's clickhose exporter is not part of Finishline; run a Collector in front (did you mean 'clickhouse'?)",
    ],
    [
      'a connector',
      'connectors: { spanmetrics: {} }',
      "finishline.yaml:1: connectors.spanmetrics: the Collector's spanmetrics connector is not part of Finishline; run a Collector in front",
    ],
    [
      'forwarding',
      'exporters:\n  otlp/tempo: { endpoint: tempo:4317 }',
      'finishline.yaml:2: exporters.otlp/tempo: the otlp/tempo exporter is not available yet in this version',
    ],
    [
      'a table receiver',
      'receivers:\n  table/orders: {}',
      'finishline.yaml:2: receivers.table/orders: the table/orders receiver is not available yet in this version',
    ],
    [
      'authentication',
      'extensions:\n  bearertokenauth: { token: x }',
      'finishline.yaml:2: extensions.bearertokenauth: the bearertokenauth extension is not available yet in this version',
    ],
    [
      'TLS',
      'receivers:\n  otlp:\n    protocols:\n      grpc:\n        tls: { cert_file: a, key_file: b }',
      'finishline.yaml:5: receivers.otlp.protocols.grpc.tls: not available yet in this version',
    ],
    [
      'other windows',
      'processors:\n  workflow:\n    windows: [1m]',
      'finishline.yaml:3: processors.workflow.windows: only ["5m","1h","24h"] is available yet in this version',
    ],
    [
      'another signal',
      `${traces.slice(0, -4)}, metrics: {} } }`,
      "finishline.yaml:1: service.pipelines.metrics: the Collector's metrics pipeline is not part of Finishline; run a Collector in front",
    ],
    [
      'a pipeline that names what is not there',
      traces.replace('[workflow]', '[workflow, batch]'),
      "finishline.yaml:1: service.pipelines.traces.processors: 'batch' is not defined under processors",
    ],
    [
      'an extension that is not there',
      'service: { extensions: [health_check] }',
      "finishline.yaml:1: service.extensions: 'health_check' is not defined under extensions",
    ],
    [
      'a reference that is none',
      'exporters:\n  clickhouse:\n    password: ${file:/run/secret}',
      'finishline.yaml:3: exporters.clickhouse.password: got ${file:/run/secret}, expected ${env:NAME} or ${env:NAME:-default}',
    ],
    [
      'a secret of the wrong type is not shown',
      'exporters:\n  clickhouse:\n    password: [hunter2]',
      'finishline.yaml:3: exporters.clickhouse.password: got [redacted], expected a text',
    ],
    [
      'credentials in a URL are neither read nor shown',
      'exporters:\n  clickhouse:\n    endpoint: https://me:hunter2@db:8443',
      'finishline.yaml:3: exporters.clickhouse.endpoint: got [redacted], expected embedded, or a URL such as https://host:8443 (username and password are settings of their own)',
    ],
    [
      'a database that is no name',
      'exporters: { clickhouse: { database: "a b" } }',
      'finishline.yaml:1: exporters.clickhouse.database: got "a b", expected a name of letters, digits and _',
    ],
    [
      'giving up on ClickHouse',
      'exporters: { clickhouse: { retry_on_failure: { enabled: false } } }',
      'finishline.yaml:1: exporters.clickhouse.retry_on_failure.enabled: only true is available yet in this version',
    ],
    [
      'an SQL door beyond loopback',
      'exporters:\n  clickhouse:\n    listen: 0.0.0.0:8123',
      'finishline.yaml:3: exporters.clickhouse.listen: got "0.0.0.0:8123", expected a loopback address such as localhost:8123; SECURITY.md says why',
    ],
  ];
  test.each(table)('%s', (_name, yaml, line) => {
    expect(mistakes(yaml)).toEqual([line]);
  });

  test('every mistake is told, not only the first', () => {
    expect(mistakes('processors:\n  workflow:\n    setle: 2s\n    run_timeout: x\n')).toHaveLength(2);
  });

  test('broken YAML, with its line', () => {
    expect(mistakes('processors:\n  workflow: { settle: 2s\n')[0]).toMatch(/^finishline\.yaml:\d+: Flow map/);
  });

  test('a key said twice, with its line', () => {
    expect(mistakes('service:\n  admin: {}\n  admin: {}\n')).toEqual(['finishline.yaml:3: Map keys must be unique']);
  });

  test('a file that is not there', () => {
    expect(() => loadConfig({ files: [join(directory, 'none.yaml')], settings: [], environment: {} })).toThrow(
      `--config ${join(directory, 'none.yaml')}: ENOENT, expected a readable YAML file`,
    );
  });

  test('a --set that is none', () => {
    expect(mistakes(undefined, ['settle'])).toEqual(['--set settle: expected --set section.key=value']);
    expect(mistakes(undefined, ['processors.workflow.setle=2s'])).toEqual([
      "--set processors.workflow.setle: processors.workflow.setle: unknown key; did you mean 'settle'?",
    ]);
  });
});
