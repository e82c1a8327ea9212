/**
 * Which package carries the ClickHouse engine on which platform, and where its library is.
 * Owns the table; loads nothing: the library is opened in the child process only.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The embedded engine cannot run here, now; the message says why and what to set instead. */
export class EngineUnavailableError extends Error {
  override readonly name = 'EngineUnavailableError';
}

/** Platform -> npm package, all pinned to one version in package.json. */
export const enginePackages = {
  'linux-x64-gnu': '@chdb/lib-linux-x64-gnu',
  'linux-arm64-gnu': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
} as const satisfies Record<string, string>;

export interface Platform {
  readonly os: string;
  readonly arch: string;
  /** C library of a Linux: 'gnu' or 'musl'; '' elsewhere. */
  readonly libc: string;
}

export function currentPlatform(): Platform {
  if (process.platform !== 'linux') return { os: process.platform, arch: process.arch, libc: '' };
  // The report names the glibc that this process runs on; without one it is musl.
  // Without its network part, which asks the name server.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return { os: 'linux', arch: process.arch, libc: report.header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu' };
}

export function platformName(platform: Platform): string {
  return [platform.os, platform.arch, platform.libc].filter((part) => part !== '').join('-');
}

const useServer = 'set exporters.clickhouse.endpoint to the URL of a ClickHouse server instead';

/**
 * Absolute path of the engine's shared library.
 * Throws {@link EngineUnavailableError} when the platform has no engine or its package is not installed.
 */
export function engineLibraryPath(platform: Platform, resolve = createRequire(import.meta.url).resolve): string {
  const name = platformName(platform);
  if (!isSupported(name)) {
    throw new EngineUnavailableError(
      `the embedded ClickHouse engine does not exist for ${name} (it does for ${Object.keys(enginePackages).join(', ')}); ${useServer}`,
    );
  }
  const packageName = enginePackages[name];
  try {
    return join(dirname(resolve(`${packageName}/package.json`)), 'libchdb.so');
  } catch (error) {
    throw new EngineUnavailableError(
      `the embedded ClickHouse engine for ${name} is not installed: package ${packageName} is missing (was it left out with --omit=optional?); ` +
        `run npm ci again, or ${useServer}`,
      { cause: error },
    );
  }
}

function isSupported(name: string): name is keyof typeof enginePackages {
  return Object.hasOwn(enginePackages, name);
}
