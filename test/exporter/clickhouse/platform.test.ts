import { createRequire } from 'node:module';
import { closeSync, openSync, readSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  currentPlatform,
  engineLibraryPath,
  enginePackages,
  EngineUnavailableError,
  platformName,
} from '../../../exporter/clickhouse/embedded/platform.ts';

const manifest = createRequire(import.meta.url)('../../../package.json') as {
  optionalDependencies: Record<string, string>;
};

test('every package of the table is an optional dependency, all of one exact version', () => {
  const versions = Object.values(enginePackages).map((name) => manifest.optionalDependencies[name]);
  expect(new Set(versions).size).toBe(1);
  expect(versions[0]).toMatch(/^26\.7\.\d/);
});

test.for([
  { os: 'linux', arch: 'x64', libc: 'musl' },
  { os: 'linux', arch: 'riscv64', libc: 'gnu' },
  { os: 'win32', arch: 'x64', libc: '' },
])('%j has no engine: the error names it and the setting that uses a server', (platform) => {
  const name = platformName(platform);
  expect(() => engineLibraryPath(platform)).toThrow(EngineUnavailableError);
  expect(() => engineLibraryPath(platform)).toThrow(
    `the embedded ClickHouse engine does not exist for ${name} (it does for linux-x64-gnu, linux-arm64-gnu, darwin-x64, darwin-arm64); ` +
      'set exporters.clickhouse.endpoint to the URL of a ClickHouse server instead',
  );
});

test('a platform whose package was not installed', () => {
  const missing = Object.assign(
    () => {
      throw new Error('not found');
    },
    createRequire(import.meta.url).resolve,
  );
  expect(() => engineLibraryPath({ os: 'darwin', arch: 'arm64', libc: '' }, missing)).toThrow(
    'the embedded ClickHouse engine for darwin-arm64 is not installed: package @chdb/lib-darwin-arm64 is missing',
  );
});

test('the library of this machine is a shared object', () => {
  const platform = currentPlatform();
  if (platform.os !== 'linux' || platform.libc !== 'gnu') return;
  const file = openSync(engineLibraryPath(platform), 'r');
  const magic = Buffer.alloc(4);
  readSync(file, magic);
  closeSync(file);
  expect(magic.toString('latin1')).toBe('\x7fELF');
});
