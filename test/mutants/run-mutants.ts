/**
 * Applies each mutant to a copy of the tree and runs the order properties there: every one must fail.
 * Owns the copying and the verdict. Usage: npm run test:mutants
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { mutants, type Mutant } from './mutants.ts';

const repository = resolve(import.meta.dirname, '../..');
const copied = [
  'schema',
  'processor',
  'test/processor',
  'test/support',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
const propertyTest = 'test/processor/order.property.test.ts';
const cases = process.env['FINISHLINE_ORDER_CASES'] ?? '400';

let survivors = 0;
if (!passes(undefined)) throw new Error('the order properties fail without any mutant: mend that first');
for (const mutant of mutants) {
  const survived = passes(mutant);
  if (survived) survivors++;
  process.stdout.write(`${survived ? 'SURVIVED' : 'caught  '}  ${mutant.name} (${mutant.file})\n`);
}
process.stdout.write(`${mutants.length - survivors} passed, ${survivors} failed\n`);
process.exitCode = survivors === 0 ? 0 : 1;

/** Whether the properties hold on a copy of the tree with the mutant in it. */
function passes(mutant: Mutant | undefined): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'finishline-mutant-'));
  try {
    for (const path of copied) cpSync(join(repository, path), join(directory, path), { recursive: true });
    symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
    if (mutant !== undefined) apply(mutant, directory);
    const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
    const run = spawnSync(process.execPath, [vitest, 'run', '--project', 'unit', propertyTest], {
      cwd: directory,
      env: { ...process.env, FINISHLINE_ORDER_CASES: cases },
      encoding: 'utf8',
    });
    if (run.status !== 0 && !/Property failed/.test(run.stdout + run.stderr)) {
      throw new Error(`the copy with ${mutant?.name ?? 'no mutant'} did not run:\n${run.stdout}\n${run.stderr}`);
    }
    return run.status === 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function apply(mutant: Mutant, directory: string): void {
  const path = join(directory, mutant.file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(mutant.search);
  if (parts.length !== 2)
    throw new Error(`${mutant.file}: expected exactly one "${mutant.search}", found ${parts.length - 1}`);
  writeFileSync(path, parts.join(mutant.replacement));
}
