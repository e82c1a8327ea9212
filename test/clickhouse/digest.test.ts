/**
 * The digest against the real engine: states made here, inserted natively, must give there what the merge gives here.
 * Prints how far the two are apart.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rankError } from '../../bench/verify/rank-error.ts';
import { defaultClickHouseExporterConfig } from '../../exporter/clickhouse/config.ts';
import { EmbeddedEngine } from '../../exporter/clickhouse/embedded/engine.ts';
import { quantileOf } from '../../processor/digest/digest-quantile.ts';
import { encodeState, rawState } from '../../processor/digest/digest-state.ts';
import { type Digest, digestOf, emptyDigest, mergeDigests } from '../../processor/digest/digest.ts';
import { silentTelemetry } from '../../schema/telemetry.ts';
import { sampleShapes } from '../processor/digest/samples.ts';

const levels = [0.5, 0.95, 0.99];
const stateType = 'AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)';
let directory = '';
let engine: EmbeddedEngine;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'finishline-digest-'));
  engine = new EmbeddedEngine({
    directory,
    listen: { host: '127.0.0.1', port: 0 },
    database: 'finishline',
    settings: defaultClickHouseExporterConfig.engine,
    telemetry: silentTelemetry,
  });
  await engine.start();
  await ask('CREATE DATABASE IF NOT EXISTS finishline');
  await ask(`CREATE TABLE finishline.digests (name String, state ${stateType}) ENGINE = MergeTree ORDER BY name`);
});

afterAll(async () => {
  await engine.stop();
  await rm(directory, { recursive: true, force: true });
});

async function ask(query: string, body?: Uint8Array): Promise<string> {
  const url = new URL(`http://${engine.address.host}:${engine.address.port}/`);
  if (body !== undefined) url.searchParams.set('query', query);
  const response = await fetch(url, {
    method: 'POST',
    body: body === undefined ? query : Buffer.from(body),
    headers: { 'x-clickhouse-user': 'finishline', 'x-clickhouse-key': engine.writerPassword },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

/** RowBinary: the name as a length-prefixed string, then the state's own bytes. */
async function insertStates(name: string, states: readonly Uint8Array[]): Promise<void> {
  const rows = states.map((state) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name), state]));
  await ask('INSERT INTO finishline.digests FORMAT RowBinary', Buffer.concat(rows));
}

/** The engine's merge; NaN where it says nan. One thread, so that it meets the states in one order. */
async function mergedByEngine(name: string): Promise<number[]> {
  const text = await ask(
    `SELECT arrayMap(q -> toString(q), quantilesTDigestMerge(0.5, 0.95, 0.99)(state)) AS merged
     FROM finishline.digests WHERE name = '${name}' SETTINGS max_threads = 1 FORMAT JSONEachRow`,
  );
  const row: { merged: string[] } = JSON.parse(text);
  return row.merged.map(Number);
}

function parts(values: Float64Array, count: number): Digest[] {
  return Array.from({ length: count }, (_, part) => digestOf(values.filter((__, i) => i % count === part)));
}

test('a few digests (at most 2,048 centroids) give the same quantiles in both merges, to the last bit', async () => {
  for (const [shape, values] of Object.entries(sampleShapes(20_000, 3))) {
    const digests = parts(values, 5);
    await insertStates(shape, digests.map(encodeState));
    const here = levels.map((q) => quantileOf(mergeDigests(digests), q));
    expect(await mergedByEngine(shape)).toEqual(here.map(shortest));
  }
});

test('a day of digests agrees within 0.1 % of rank, both within 0.5 % of the exact quantile', async () => {
  let worst = 0;
  for (const [shape, values] of Object.entries(sampleShapes(100_000, 5))) {
    const sorted = values.toSorted();
    const digests = parts(values, 60);
    await insertStates(`many ${shape}`, digests.map(encodeState));
    const there = await mergedByEngine(`many ${shape}`);
    levels.forEach((q, i) => {
      const here = quantileOf(mergeDigests(digests), q);
      expect(rankError(sorted, here, q)).toBeLessThanOrEqual(0.005);
      expect(rankError(sorted, there[i]!, q)).toBeLessThanOrEqual(0.005);
      const apart = Math.abs(signedRank(sorted, here, q) - signedRank(sorted, there[i]!, q));
      expect(apart).toBeLessThanOrEqual(0.001);
      worst = Math.max(worst, apart);
    });
  }
  console.log(`60 digests merged here and in ClickHouse: at most ${(worst * 100).toFixed(4)} % of rank apart`);
});

test('raw states of a few values are exact, and empty ones are neutral', async () => {
  await insertStates('raw', [rawState([30, 10]), encodeState(emptyDigest), rawState([]), rawState([20, 40, 50])]);
  expect(await mergedByEngine('raw')).toEqual([30, 50, 50]);
  await insertStates('empty', [encodeState(emptyDigest)]);
  expect(await mergedByEngine('empty')).toEqual([Number.NaN, Number.NaN, Number.NaN]);
});

test('the stored bytes are the bytes that were sent', async () => {
  const state = encodeState(digestOf(sampleShapes(5_000, 9)['logNormal']!));
  await insertStates('bytes', [state]);
  const stored = await ask(`SELECT hex(state) FROM finishline.digests WHERE name = 'bytes'`);
  expect(stored.trim().toLowerCase()).toBe(Buffer.from(state).toString('hex'));
});

/** Signed distance of a value from quantile `q`, in ranks. */
function signedRank(sorted: Float64Array, value: number, q: number): number {
  const error = rankError(sorted, value, q);
  return error !== 0 && sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]! > value ? -error : error;
}

/** A Float32 as the engine prints it: the shortest decimal that reads back as the same Float32. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return Number(text);
  }
  return value;
}
