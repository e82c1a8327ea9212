/** A restart on the same directory: what was counted before stays counted, what comes after is added. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { querySql } from '../../bench/service-process.ts';
import { temporaryDirectory } from '../../bench/started-service.ts';
import { oneRun, sendOneRun } from './one-run.ts';
import { RunningService } from './running-service.ts';

const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('runs before and after a restart add up, in the ledger and in the panes', async () => {
  const storage = ['--set', `service.storage.directory=${join(directory, 'data')}`];
  for (const expected of [1, 2, 3]) {
    await using service = new RunningService(storage, { ownStorage: true });
    await service.up();
    expect((await sendOneRun(service.http, oneRun('checkout'))).status).toBe(200);
    await expect
      .poll(
        () =>
          querySql(
            service.sql,
            "SELECT runs, (SELECT count() FROM runs) AS ledger FROM process_health WHERE window = '24h'",
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toEqual([{ runs: expected, ledger: expected }]);
  }
});
