import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import {
  migrationsFolder,
  readSqlFiles,
  statementsOf,
  viewsFolder,
  type SqlFile,
} from '../../../exporter/clickhouse/sql-files.ts';

const embedded = { database: 'finishline', cluster: '', embedded: true };
const cluster = { database: 'other', cluster: 'main', embedded: false };
const file = (text: string): SqlFile => ({ number: 1, name: 'x', checksum: '', text });

test('statements end with ; at the end of a line; comments go; a ; within a line stays', () => {
  const text = "-- first; comment;\nSELECT ';' AS a,\n    'b;c'  ;  \n\n-- second\nSELECT 2;\n";
  expect(statementsOf(file(text), embedded)).toEqual(["SELECT ';' AS a,\n    'b;c'", 'SELECT 2']);
});

test('a single embedded engine: plain engines, synced tables', () => {
  const text =
    'CREATE TABLE {database}.t{on_cluster} (a UInt8) ENGINE = {engine:ReplacingMergeTree(version, is_deleted)} ORDER BY a\n{durable};';
  expect(statementsOf(file(text), embedded)).toEqual([
    'CREATE TABLE finishline.t (a UInt8) ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY a\n' +
      'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1',
  ]);
  expect(statementsOf(file(text), cluster)).toEqual([
    "CREATE TABLE other.t ON CLUSTER 'main' (a UInt8) ENGINE = ReplicatedReplacingMergeTree(version, is_deleted) ORDER BY a",
  ]);
});

test('a placeholder that nobody knows is an error', () => {
  expect(() => statementsOf(file('SELECT {what}'), embedded)).toThrow('unknown placeholder {what}');
});

test('every file of schema/ can be filled in for both, is idempotent by its words, and is numbered without a gap or repetition', () => {
  for (const target of [embedded, cluster]) {
    for (const migration of readSqlFiles(migrationsFolder)) {
      for (const statement of statementsOf(migration, target)) {
        expect(statement).toMatch(/IF (NOT )?EXISTS|^ALTER TABLE .* MODIFY/);
        expect(statement).not.toContain('{');
      }
    }
    for (const view of readSqlFiles(viewsFolder)) {
      const statements = statementsOf(view, target);
      expect(statements).toHaveLength(1);
      expect(statements[0]).toMatch(new RegExp(`^CREATE OR REPLACE VIEW ${target.database}\\.${view.name}\\b`));
    }
  }
  expect(readSqlFiles(migrationsFolder).map(({ number }) => number)).toEqual(
    readSqlFiles(migrationsFolder).map((_, index) => index + 1),
  );
});

test('two files of one number, and a name that does not fit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'finishline-sql-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const url = pathToFileURL(`${folder}/`);
  writeFileSync(join(folder, '0001_a.sql'), 'SELECT 1;');
  writeFileSync(join(folder, '0001_b.sql'), 'SELECT 1;');
  expect(() => readSqlFiles(url)).toThrow('two files have the number 1');
  rmSync(join(folder, '0001_b.sql'));
  writeFileSync(join(folder, 'b.sql'), 'SELECT 1;');
  expect(() => readSqlFiles(url)).toThrow('expected a name such as 0001_name.sql');
});
