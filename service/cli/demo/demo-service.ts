/**
 * The service that the demo talks to: the one that is running, or one that it starts and stops itself.
 * Owns finding, starting and stopping; addresses of a started one are read from the five lines that it prints.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export interface DemoDoors {
  readonly otlpUrl: string;
  readonly sqlUrl: string;
  readonly adminUrl: string;
}

export interface DemoService extends AsyncDisposable {
  readonly doors: DemoDoors;
  readonly startedHere: boolean;
}

const startLimitMs = 60_000;
const stopLimitMs = 15_000;
const servicePath = join(import.meta.dirname, '../../main.ts');

/**
 * @param doors where the configuration says that a service would be; undefined for those with port 0
 * @param settings `--config` and `--set` arguments for a service that has to be started
 * @throws Error when something else answers there, or the service does not start
 */
export async function demoService(doors: Partial<DemoDoors>, settings: readonly string[]): Promise<DemoService> {
  const { otlpUrl, sqlUrl, adminUrl } = doors;
  const running = adminUrl !== undefined && (await answers(adminUrl));
  if (!running) return startedService(settings);
  if (otlpUrl === undefined || sqlUrl === undefined) {
    throw new Error(
      'the configuration names no port for OTLP/HTTP or SQL; the demo needs both to use a running service',
    );
  }
  await untilReady(adminUrl, () => undefined);
  return { doors: { otlpUrl, sqlUrl, adminUrl }, startedHere: false, async [Symbol.asyncDispose]() {} };
}

async function answers(adminUrl: string): Promise<boolean> {
  const response = await fetch(`${adminUrl}/ready`).catch(() => undefined);
  if (response === undefined) return false;
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && 'reasons' in body) return true;
  throw new Error(`${adminUrl}/ready is answered by something else than Finishline (HTTP ${response.status})`);
}

async function startedService(settings: readonly string[]): Promise<DemoService> {
  const directory = await mkdtemp(join(tmpdir(), 'finishline-demo-'));
  const child = spawn(
    process.execPath,
    [servicePath, 'serve', '--set', `service.storage.directory=${directory}`, ...settings],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const stop = async () => {
    await stopped(child);
    await rm(directory, { recursive: true, force: true });
  };
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)));
  try {
    const doors = await printedDoors(child, () => log);
    await untilReady(doors.adminUrl, () => exitReason(child, log));
    return { doors, startedHere: true, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The addresses in the service's own words. */
async function printedDoors(child: ChildProcess, log: () => string): Promise<DemoDoors> {
  let text = '';
  for await (const line of createInterface({ input: child.stdout! })) {
    text += `${line}\n`;
    const otlpUrl = /OTLP\/HTTP (http:\/\/\S+)/.exec(text)?.[1];
    const sqlUrl = /curl '?(http:\/\/[^\s'?]+)/.exec(text)?.[1];
    const adminUrl = /look +(http:\/\/\S+)/.exec(text)?.[1];
    if (otlpUrl === undefined || sqlUrl === undefined || adminUrl === undefined) continue;
    // Whatever else it prints must not fill the pipe.
    child.stdout!.resume();
    return { otlpUrl: otlpUrl.replace(/,$/, ''), sqlUrl, adminUrl };
  }
  throw new Error(exitReason(child, log()) ?? `the service did not say where it listens:\n${text}`);
}

async function untilReady(adminUrl: string, failure: () => string | undefined): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  let reasons = '';
  while (Date.now() < deadline) {
    const failed = failure();
    if (failed !== undefined) throw new Error(failed);
    const response = await fetch(`${adminUrl}/ready`).catch(() => undefined);
    if (response?.status === 200) return;
    reasons = (await response?.text()) ?? 'no answer';
    await pause(100);
  }
  throw new Error(`the service at ${adminUrl} is not ready after ${startLimitMs / 1000} s: ${reasons}`);
}

function exitReason(child: ChildProcess, log: string): string | undefined {
  return child.exitCode === null ? undefined : `the service ended with code ${child.exitCode}:\n${log}`;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await ended;
  clearTimeout(late);
}
