/** What a signal does while the stop cannot be orderly: the second one ends the process at once. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { oneRun, sendOneRun } from './one-run.ts';
import { RunningService } from './running-service.ts';

test('a second signal ends a stop that waits', async () => {
  // The run has to settle before the stop is complete, and with this setting it does not in our lifetime.
  await using service = new RunningService(['--set', 'processors.workflow.settle=5m']);
  await service.ready();
  await sendOneRun(service.http, oneRun('patient'));
  service.child.kill('SIGTERM');
  await service.until(async () => service.log.find(({ message }) => message === 'stopping'), 'to begin to stop');
  // Longer than one keystroke lasts.
  await pause(1000);
  expect(service.child.exitCode).toBeNull();
  service.child.kill('SIGTERM');
  expect(await service.ended).toEqual({ code: 1, signal: null });
});

test('a stop that takes too long ends by itself, says what is lost, and does not claim success', async () => {
  await using service = new RunningService(['--set', 'processors.workflow.settle=5m']);
  await service.ready();
  await sendOneRun(service.http, oneRun('patient'));
  const before = performance.now();
  expect(await service.stop()).toEqual({ code: 1, signal: null });
  console.log(`ended ${((performance.now() - before) / 1000).toFixed(1)} s after the signal`);
  expect(service.log).toContainEqual(
    expect.objectContaining({
      level: 'error',
      message: 'the stop took too long; what was acknowledged but not written yet is lost',
    }),
  );
});
