/** What a newcomer does: `npm start`, one request, one query, Ctrl-C. The real commands, the real engine. */
import { expect, test } from 'vitest';
import { repository } from '../../bench/started-service.ts';
import { oneRun, sendOneRun } from './one-run.ts';
import { run, RunningService } from './running-service.ts';

const npmStart = { command: ['npm', 'start', '--silent', '--'], cwd: repository };

test('npm start: five lines, one request becomes one row, an orderly stop', async () => {
  await using service = new RunningService([], npmStart);
  const readyMs = await service.ready();
  console.log(`ready after ${(readyMs / 1000).toFixed(2)} s, counted from the start of npm`);
  expect(service.out.trimEnd().split('\n')).toEqual([
    'Finishline is up. How to point an exporter at it: README.md',
    expect.stringMatching(/^ {2}send {3}OTLP\/gRPC 127\.0\.0\.1:\d+ {2}OTLP\/HTTP http:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ {2}query {2}curl http:\/\/127\.0\.0\.1:\d+ -d 'SELECT \* FROM process_health'$/),
    expect.stringMatching(/^ {2}look {3}http:\/\/127\.0\.0\.1:\d+$/),
    `  data   ${service.directory}/data`,
  ]);

  const answer = await sendOneRun(service.http, oneRun('checkout'));
  expect([answer.status, await answer.json()]).toEqual([200, { partialSuccess: {} }]);
  const health = `SELECT process, window, runs, succeeded, completion_rate, p95_ms FROM process_health WHERE window = '5m' FORMAT JSONEachRow`;
  const rows = await service.until(async () => (await service.query(health)) || undefined, 'to know the run');
  expect(JSON.parse(rows)).toEqual({
    process: 'checkout',
    window: '5m',
    runs: 1,
    succeeded: 1,
    completion_rate: 1,
    p95_ms: 1500,
  });

  const page = await (await fetch(service.admin)).text();
  expect(page).toContain('<td>checkout</td>');
  const metrics = await (await fetch(`${service.admin}/metrics`)).text();
  expect(metrics).toContain('otelcol_receiver_accepted_spans{receiver="otlp",transport="http"} 2');
  expect(metrics).toContain('finishline_runs_total{environment="",process="checkout",state="SUCCEEDED"} 1');

  expect(await service.stop()).toEqual({ code: 0, signal: null });
  // Logs are JSON and nothing else is said: no warning of Node's, no stack.
  expect(service.err.split('\n').filter((line) => line !== '' && !line.startsWith('{'))).toEqual([]);
  expect(service.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
});

test('what was acknowledged is there after a stop and a start', async () => {
  await using service = new RunningService();
  await service.ready();
  await sendOneRun(service.http, oneRun('payout'));
  const count = `SELECT count() FROM runs WHERE process = 'payout'`;
  await service.until(async () => ((await service.query(count)).trim() === '1' ? true : undefined), 'to write the run');
  expect(await service.stop()).toEqual({ code: 0, signal: null });

  await using again = new RunningService(['--set', `service.storage.directory=${service.directory}/data`]);
  await again.ready();
  expect((await again.query(count)).trim()).toBe('1');
});

test('SIGINT stops as SIGTERM does; what arrives afterwards is refused', async () => {
  await using service = new RunningService();
  await service.ready();
  expect(await service.stop('SIGINT')).toEqual({ code: 0, signal: null });
  await expect(sendOneRun(service.http, oneRun('late'))).rejects.toThrow();
});

test('the sql command prints a table, and the error of ClickHouse with exit code 1', async () => {
  await using service = new RunningService();
  await service.ready();
  const finishline = ['npm', 'run', '--silent', 'finishline', '--'];
  const table = await run([...finishline, 'sql', '--url', service.sql, "SELECT 1 AS one, 'b' AS two"]);
  expect(table).toEqual({ code: 0, err: '', out: expect.stringContaining('│   1 │ b   │') });
  const json = await run([...finishline, 'sql', '--url', service.sql, '--format', 'JSONEachRow', 'SELECT 1 AS one']);
  expect(json).toEqual({ code: 0, err: '', out: '{"one":1}\n' });
  const failed = await run([...finishline, 'sql', '--url', service.sql, 'SELECT * FROM nothing']);
  expect(failed).toEqual({ code: 1, out: '', err: expect.stringMatching(/^Code: 60\. DB::Exception: .*nothing/) });
  const port = new URL(service.sql).port;
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  const gone = await run([...finishline, 'sql', '--set', `exporters.clickhouse.listen=localhost:${port}`, 'SELECT 1']);
  expect(gone).toEqual({
    code: 1,
    out: '',
    err: `cannot reach http://localhost:${port}: ECONNREFUSED; is the service running (npm start)?\n`,
  });
});
