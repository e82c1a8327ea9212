/** `finishline demo` as a user has it: with a service of its own, and beside one that already holds data. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ServiceProcess } from '../../bench/service-process.ts';

const main = join(import.meta.dirname, '../../service/main.ts');

function demo(doors: { grpc: string; http: string; sql: string; admin: string }): Promise<{ stdout: string }> {
  const settings = [
    `receivers.otlp.protocols.grpc.endpoint=${doors.grpc}`,
    `receivers.otlp.protocols.http.endpoint=${doors.http}`,
    `exporters.clickhouse.listen=${doors.sql}`,
    `service.admin.endpoint=${doors.admin}`,
  ];
  return promisify(execFile)(process.execPath, [main, 'demo', ...settings.flatMap((setting) => ['--set', setting])]);
}

test('starts a service when none runs, and finds every figure equal', async () => {
  const any = 'localhost:0';
  const { stdout } = await demo({ grpc: any, http: any, sql: any, admin: any });
  expect(stdout).toContain('No service was running; started one for the demo.');
  expect(stdout).toMatch(/FROM process_health\nWHERE environment = 'demo-[0-9a-f]{8}' AND window = '1h'/);
  expect(stdout).toMatch(/document-ingest +demo-[0-9a-f]{8}-never-ends +RUNNING +ocr/);
  expect(stdout).toContain('EQUAL      all 48 figures are what was sent.');
});

test('uses the running service, also when the data of another demo is in it', async () => {
  await using service = await ServiceProcess.start();
  const { host: sql } = new URL(service.sql);
  const { host: admin } = new URL(service.admin);
  const doors = { ...service.otlp, sql, admin };
  for (let turn = 0; turn < 2; turn++) {
    const { stdout } = await demo(doors);
    expect(stdout).toContain('Using the running service.');
    expect(stdout).toContain('EQUAL      all 48 figures are what was sent.');
  }
  const [environments] = await service.query<{ count: number }>('SELECT uniqExact(environment) AS count FROM runs');
  expect(environments!.count).toBe(2);
});
