/** `npm run bench` in small: it measures, it verifies, and it says so when an option is wrong. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const bench = join(import.meta.dirname, '../../bench/throughput.ts');

function run(...options: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(process.execPath, [bench, ...options]);
}

test('measures each protocol and share, and finds the SQL answer equal to the truth', async () => {
  const { stdout } = await run('--spans=20000', '--warmup=5000', '--protocols=grpc+gzip,json', '--shares=100');
  const [head, ...lines] = stdout.trim().split('\n');
  expect(head).toMatch(/spans\/CPU-s +service CPU +engine CPU .* peak RSS +SQL against truth/);
  expect(lines.map((line) => line.split(/ +/)[0])).toEqual(['grpc+gzip', 'json']);
  for (const line of lines) expect(line).toMatch(/10 % +[\d,]+ +[\d.]+ s +[\d.]+ s +[\d,]+ +\d+ +\d+ MiB +equal$/);
});

test('names the protocols that there are', async () => {
  await expect(run('--protocols=udp')).rejects.toThrow(
    "--protocols: got 'udp', expected some of grpc, grpc+gzip, http, http+gzip, json, json+gzip",
  );
});
