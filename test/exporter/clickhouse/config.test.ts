import { describe, expect, test } from 'vitest';
import {
  checkConfig,
  defaultClickHouseExporterConfig,
  ExporterConfigError,
  formatAddress,
  parseListen,
} from '../../../exporter/clickhouse/config.ts';

describe('parseListen', () => {
  test.for([
    ['localhost:8123', '127.0.0.1', 8123, '127.0.0.1:8123'],
    ['127.0.0.2:0', '127.0.0.2', 0, '127.0.0.2:0'],
    ['[::1]:65535', '::1', 65535, '[::1]:65535'],
  ] as const)('%s', ([listen, host, port, formatted]) => {
    expect(parseListen(listen)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(formatted);
  });

  test.for(['0.0.0.0:8123', 'example.com:8123', '[::]:8123', '10.0.0.1:8123'])('%s is not loopback', (listen) => {
    expect(() => parseListen(listen)).toThrow(
      `exporters.clickhouse.listen: got '${listen}', but the embedded engine listens on loopback only (localhost, 127.0.0.1, [::1]); ` +
        'for SQL from other machines run a ClickHouse server and set exporters.clickhouse.endpoint to its URL',
    );
  });

  test.for(['', 'localhost', ':', 'localhost:', 'localhost:x', 'localhost:65536', '8123', '::1:8123'])(
    '%s is no address',
    (listen) => {
      expect(() => parseListen(listen)).toThrow(ExporterConfigError);
    },
  );
});

describe('checkConfig', () => {
  test('the defaults are usable, so is a URL', () => {
    checkConfig(defaultClickHouseExporterConfig);
    checkConfig({ ...defaultClickHouseExporterConfig, endpoint: 'https://host:8443', listen: 'ignored' });
  });

  test.for([
    [{ endpoint: 'host:8123' }, "exporters.clickhouse.endpoint: got 'host:8123', expected 'embedded' or a URL"],
    [{ endpoint: 'tcp://host:9000' }, "got 'tcp://host:9000', expected 'embedded' or a URL"],
    [{ database: 'a-b' }, "exporters.clickhouse.database: got 'a-b', expected a name"],
    [{ database: '' }, "exporters.clickhouse.database: got ''"],
    [{ cluster: "x'" }, "exporters.clickhouse.cluster: got 'x''"],
    [{ listen: '0.0.0.0:1' }, 'loopback only'],
  ] as const)('%j', ([over, message]) => {
    expect(() => checkConfig({ ...defaultClickHouseExporterConfig, ...over })).toThrow(message);
  });
});
