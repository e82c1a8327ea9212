/** Without Go, or without a module proxy, the suite fails and says which: it never passes without a Collector. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { builtCollector } from './built-collector.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'finishline-build-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

test('no Go on PATH', async () => {
  const failure = builtCollector({ cacheDirectory: join(directory, 'cache'), env: { PATH: directory } });
  await expect(failure).rejects.toThrow(
    'no Collector to test with: `go version` cannot be run (spawn go ENOENT). Expected Go 1.25 or newer on PATH',
  );
});

test('modules that cannot be downloaded; nothing half-built stays behind', async () => {
  const cacheDirectory = join(directory, 'cache');
  const modules = join(directory, 'modules');
  const env = { ...process.env, GOPROXY: 'off', GOMODCACHE: modules, GOCACHE: join(directory, 'go-build') };
  await expect(builtCollector({ cacheDirectory, env })).rejects.toThrow(
    /`go run go\.opentelemetry\.io\/collector\/cmd\/builder@v[\d.]+` failed\. Expected a Go module proxy .*\n.*GOPROXY=off/,
  );
  expect(await readdir(cacheDirectory)).toEqual([]);
});
