/**
 * Reads the SQL files of schema/ and fills in where they are to be applied: database, cluster, kind of engine.
 * Owns the templating and the splitting into statements; knows no table.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

export interface SqlTarget {
  readonly database: string;
  /** Cluster name; '' = a single server. */
  readonly cluster: string;
  /** The tables are on this machine's disk and must be synced at every insert. */
  readonly embedded: boolean;
}

export interface SqlFile {
  /** Leading digits of the file name. */
  readonly number: number;
  /** File name without digits and ending. */
  readonly name: string;
  /** SHA-256 of the text as it stands in the file, hex. */
  readonly checksum: string;
  readonly text: string;
}

export const migrationsFolder = new URL('../../schema/migrations/', import.meta.url);
export const viewsFolder = new URL('../../schema/views/', import.meta.url);

const durableSettings = 'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1';

/** All `NNNN_name.sql` of a folder by number; throws when a number occurs twice or a name does not fit. */
export function readSqlFiles(folder: URL): SqlFile[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => {
      const match = /^(\d+)_(\w+)\.sql$/.exec(file);
      if (match === null) throw new Error(`${folder.pathname}${file}: expected a name such as 0001_name.sql`);
      const text = readFileSync(new URL(file, folder), 'utf8');
      return {
        number: Number(match[1]),
        name: match[2]!,
        checksum: createHash('sha256').update(text).digest('hex'),
        text,
      };
    })
    .toSorted((a, b) => a.number - b.number);
  files.forEach((file, index) => {
    if (index > 0 && files[index - 1]!.number === file.number)
      throw new Error(`${folder.pathname}: two files have the number ${file.number}`);
  });
  return files;
}

/** The statements of a file, ready to run. A statement ends with `;` at the end of a line. */
export function statementsOf(file: SqlFile, target: SqlTarget): string[] {
  return file.text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('--'))
    .join('\n')
    .split(/;[ \t]*$/m)
    .map((statement) => fillIn(statement.trim(), target))
    .filter((statement) => statement !== '');
}

function fillIn(sql: string, target: SqlTarget): string {
  return sql
    .replaceAll(/\{(\w+)(?::([^}]*))?\}/g, (placeholder, name: string, argument: string | undefined) => {
      switch (name) {
        case 'database':
          return target.database;
        case 'on_cluster':
          return target.cluster === '' ? '' : ` ON CLUSTER '${target.cluster}'`;
        case 'engine':
          return target.cluster === '' ? argument! : `Replicated${argument!}`;
        case 'durable':
          return target.embedded ? durableSettings : '';
        default:
          throw new Error(`unknown placeholder ${placeholder}`);
      }
    })
    .trim();
}
