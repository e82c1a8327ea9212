/** The storage directory: one id for ever, one process at a time, clear refusals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { StorageDirectory } from '../../../service/storage/storage-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'finishline-storage-'));
afterAll(() => rmSync(root, { recursive: true }));

test('is made with what is above it, and keeps its writer id', async () => {
  const path = join(root, 'a', 'b');
  const first = await StorageDirectory.open(path);
  const { writer } = first;
  expect(writer).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await using again = await StorageDirectory.open(path);
  expect(again.writer).toBe(writer);
  await using other = await StorageDirectory.open(join(root, 'other'));
  expect(other.writer).not.toBe(writer);
});

test('a second holder is refused', async () => {
  const path = join(root, 'held');
  await using first = await StorageDirectory.open(path);
  await expect(StorageDirectory.open(first.path)).rejects.toThrow(
    `service.storage.directory: ${path} is in use by another Finishline; stop it, or give this one a directory of its own`,
  );
});

test('the lock of a process that was killed is taken over', async () => {
  const path = join(root, 'killed');
  const script = `
    import { StorageDirectory } from ${JSON.stringify(new URL('../../../service/storage/storage-directory.ts', import.meta.url).href)};
    await StorageDirectory.open(${JSON.stringify(path)});
    setInterval(() => {}, 1000);
    console.log('held');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await expect(StorageDirectory.open(path)).rejects.toThrow('in use');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(existsSync(join(path, 'lock.sock'))).toBe(true);
  await using taken = await StorageDirectory.open(path);
  expect(taken.path).toBe(path);
});

test('a path through a file is refused with the reason', async () => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  await expect(StorageDirectory.open(join(file, 'data'))).rejects.toThrow(
    `service.storage.directory: cannot write to ${file}/data: ENOTDIR`,
  );
});

test('a damaged writer id is refused, not replaced: the rows of the old one would count beside the new', async () => {
  const path = join(root, 'damaged');
  await (await StorageDirectory.open(path))[Symbol.asyncDispose]();
  writeFileSync(join(path, 'writer-id'), 'x');
  await expect(StorageDirectory.open(path)).rejects.toThrow('does not hold a writer id');
});
