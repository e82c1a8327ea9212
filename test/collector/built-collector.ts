/**
 * A real OpenTelemetry Collector, built by its own builder from the Go module proxy, kept under the hash of its manifest.
 * Owns the build and the kept binary. What cannot be built is an error that says what is missing, never a skip.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';

/** A first build downloads some 140 modules and compiles for two minutes on two cores. */
export const buildLimitMs = 15 * 60_000;

const manifestFile = join(import.meta.dirname, 'collector-manifest.yaml');
const reportedLines = 15;

export interface BuildOptions {
  /** Where binaries are kept. */
  readonly cacheDirectory?: string;
  /** Instead of this process's environment: PATH to find `go`, GOPROXY and the like. */
  readonly env?: NodeJS.ProcessEnv;
}

interface Manifest {
  readonly dist: { readonly name: string; readonly version: string };
}

/** Path of the Collector's binary; builds it when this manifest's is not there yet. */
export async function builtCollector(options: BuildOptions = {}): Promise<string> {
  const cache = options.cacheDirectory ?? join(import.meta.dirname, '../../node_modules/.cache/finishline-collector');
  const text = await readFile(manifestFile, 'utf8');
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n${text}`).digest('hex').slice(0, 16);
  const kept = join(cache, `otelcol-${hash}`);
  if (existsSync(kept)) return kept;

  const env = { ...(options.env ?? process.env), GOWORK: 'off' };
  const go = await goVersion(env);
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'build-'));
  try {
    const manifest = parse(text) as Manifest;
    console.log(`building an OpenTelemetry Collector ${manifest.dist.version} with ${go} (minutes, the first time)`);
    // Renamed at the end: a build that was interrupted, or a second one beside it, leaves no half a binary.
    await rename(await build(manifest, directory, env), kept);
    return kept;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function goVersion(env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('go', ['version'], { env });
    return stdout.trim();
  } catch (error) {
    throw new Error(
      `no Collector to test with: \`go version\` cannot be run (${firstLine(error)}). ` +
        'Expected Go 1.25 or newer on PATH, see https://go.dev/dl/',
      { cause: error },
    );
  }
}

/** Resolves with the binary's path inside `directory`. */
async function build(manifest: Manifest, directory: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { name, version } = manifest.dist;
  const file = join(directory, 'manifest.yaml');
  await writeFile(file, stringify({ ...manifest, dist: { ...manifest.dist, output_path: directory } }));
  const args = ['run', `go.opentelemetry.io/collector/cmd/builder@v${version}`, '--config', file];
  try {
    await promisify(execFile)('go', args, { env, cwd: directory, maxBuffer: 64 * 1024 * 1024, timeout: buildLimitMs });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const last = `${stdout}\n${stderr}`.trim().split('\n').slice(-reportedLines).join('\n');
    throw new Error(
      `no Collector to test with: \`go ${args.slice(0, 2).join(' ')}\` failed. ` +
        `Expected a Go module proxy that can be reached (go env GOPROXY). It said:\n${last}`,
      { cause: error },
    );
  }
  return join(directory, name);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
