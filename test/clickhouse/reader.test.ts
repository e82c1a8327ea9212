/** What a reader without a password may do at the SQL door, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, batch, makeExporter, run, temporaryDirectory } from './support.ts';

const temporary = temporaryDirectory();
const exporter = makeExporter(temporary.path);

beforeAll(async () => {
  await exporter.start();
  await exporter.consume(batch({ runs: [run('r')] }));
  await exporter.flush();
});

afterAll(async () => {
  await exporter[Symbol.asyncDispose]();
  temporary[Symbol.dispose]();
});

describe('answered', () => {
  const answered: [string, string][] = [
    ['SELECT run_id FROM runs', 'r'],
    ['SELECT run_id FROM finishline.runs', 'r'],
    ['SELECT count() FROM process_health', '0'],
    ["SELECT count() > 0 FROM system.tables WHERE database = 'finishline' AND name = 'runs'", '1'],
    [
      "SELECT type FROM system.columns WHERE database = 'finishline' AND table = 'runs' AND name = 'ended_at'",
      "DateTime64(3, \\'UTC\\')",
    ],
    ['SELECT count() > 1000 FROM system.functions', '1'],
    ['SELECT count() > 100 FROM system.settings', '1'],
    ["SELECT name FROM system.databases WHERE name = 'finishline'", 'finishline'],
    ['SELECT sum(number) FROM numbers(10)', '45'],
    ['SELECT timezone()', 'UTC'],
  ];
  test.for(answered)('%s', async ([sql, answer]) => {
    expect(await ask(exporter, sql)).toBe(answer);
  });

  test('SHOW and DESCRIBE, as data sources ask them', async () => {
    expect(await ask(exporter, 'SHOW TABLES')).toContain('process_health');
    expect(await ask(exporter, 'DESCRIBE TABLE "finishline"."process_health"')).toContain(
      'completion_rate\tNullable(Float64)',
    );
  });

  test('by GET, which is read-only, too', async () => {
    const response = await fetch(
      `${exporter.sqlUrl}/?query=${encodeURIComponent('SELECT count() FROM process_health')}`,
    );
    expect(await response.text()).toBe('0\n');
  });

  test('the reader client of the service', async () => {
    const result = await exporter.reader.query({ query: 'SELECT run_id FROM runs', format: 'JSONEachRow' });
    expect(await result.json()).toEqual([{ run_id: 'r' }]);
    await expect(exporter.reader.command({ query: 'TRUNCATE TABLE runs_data' })).rejects.toThrow(/readonly|privileges/);
  });
});

describe('refused', () => {
  const refused: [string, RegExp][] = [
    ["INSERT INTO runs_data (run_id) VALUES ('x')", /ACCESS_DENIED/],
    ['DROP TABLE runs_data', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['TRUNCATE TABLE runs_data', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['ALTER TABLE runs_data DELETE WHERE 1', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['CREATE TABLE mine (a UInt8) ENGINE = Memory', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['CREATE TEMPORARY TABLE mine (a UInt8)', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['CREATE USER me', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ['GRANT ALL ON *.* TO default', /ACCESS_DENIED|QUERY_IS_PROHIBITED/],
    ["SELECT * FROM file('/etc/passwd', LineAsString)", /ACCESS_DENIED/],
    ["SELECT * FROM url('http://127.0.0.1:1/', LineAsString)", /ACCESS_DENIED/],
    ["SELECT * FROM remote('127.0.0.1:1', system.one)", /ACCESS_DENIED/],
    ["SELECT * FROM executable('id', TSV, 'a String')", /ACCESS_DENIED/],
    ["SELECT 1 INTO OUTFILE '/tmp/x'", /INTO_OUTFILE_NOT_ALLOWED/],
    ['SELECT * FROM finishline.`/etc/passwd`', /ACCESS_DENIED|UNKNOWN_TABLE/],
    ['SELECT * FROM system.users', /ACCESS_DENIED/],
    ['SELECT * FROM system.processes', /ACCESS_DENIED/],
    ["KILL QUERY WHERE user = 'finishline'", /ACCESS_DENIED/],
    ['SYSTEM SHUTDOWN', /ACCESS_DENIED/],
    ['SYSTEM STOP MERGES runs_data', /ACCESS_DENIED/],
    ['SELECT 1 SETTINGS max_memory_usage = 100000000000', /SETTING_CONSTRAINT_VIOLATION/],
    ['SELECT 1 SETTINGS allow_ddl = 1', /QUERY_IS_PROHIBITED/],
  ];
  test.for(refused)('%s', async ([sql, error]) => {
    expect(await ask(exporter, sql)).toMatch(error);
  });

  test('a query that reads on when its client has gone is ended', async () => {
    const abort = new AbortController();
    const running = exporter.reader
      .query({
        query: 'SELECT sum(sleepEachRow(0.05)) FROM system.numbers SETTINGS max_block_size = 1',
        abort_signal: abort.signal,
        query_id: 'left-alone',
      })
      .catch((error: unknown) => error);
    setTimeout(() => abort.abort(), 300);
    expect(await running).toBeInstanceOf(Error);
    // The same id is refused while the query runs.
    for (;;) {
      const response = await fetch(`${exporter.sqlUrl}/?query_id=left-alone`, { method: 'POST', body: 'SELECT 1' });
      const text = await response.text();
      if (text === '1\n') break;
      expect(text).toContain('QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING');
    }
  });
});
