/**
 * What a failed request means: try again, or never. Owns the one table of ClickHouse error codes.
 * Retryable is the default: only what says that these bytes can never be stored is permanent.
 */
import { ClickHouseError } from '@clickhouse/client';

export interface Failure {
  readonly permanent: boolean;
  /** Short and stable, for the label of a metric. */
  readonly reason: string;
  /** For people, in a log line and in `/ready`. */
  readonly message: string;
}

interface Verdict {
  readonly permanent?: true;
  readonly reason: string;
  /** What a person should look at; the server's own words follow. */
  readonly hint?: string;
}

/** Codes as in ClickHouse's src/Common/ErrorCodes.cpp. */
const verdicts: Readonly<Record<string, Verdict>> = {
  // These bytes do not fit the table: no repetition will help.
  '6': { permanent: true, reason: 'unreadable' },
  '26': { permanent: true, reason: 'unreadable' },
  '27': { permanent: true, reason: 'unreadable' },
  '33': { permanent: true, reason: 'unreadable' },
  '53': { permanent: true, reason: 'type_mismatch' },
  '117': { permanent: true, reason: 'unreadable' },
  '128': { permanent: true, reason: 'unreadable' },
  '131': { permanent: true, reason: 'unreadable' },
  '321': { permanent: true, reason: 'type_mismatch' },
  '349': { permanent: true, reason: 'type_mismatch' },
  // A person can help; the rows wait.
  '16': { reason: 'schema', hint: 'a column is missing' },
  '60': { reason: 'schema', hint: 'a table is missing' },
  '81': { reason: 'schema', hint: 'the database is missing' },
  '164': { reason: 'access_denied', hint: 'the user may only read: see exporters.clickhouse.username' },
  '192': { reason: 'authentication', hint: 'see exporters.clickhouse.username' },
  '193': { reason: 'authentication', hint: 'see exporters.clickhouse.password' },
  '194': { reason: 'authentication', hint: 'see exporters.clickhouse.password' },
  '497': { reason: 'access_denied', hint: 'the user lacks a grant: see exporters.clickhouse.username' },
  '516': { reason: 'authentication', hint: 'see exporters.clickhouse.username and password' },
  '243': { reason: 'disk_full', hint: 'the disk of ClickHouse is full' },
  // The server will get better.
  '159': { reason: 'timeout' },
  '202': { reason: 'overloaded' },
  '209': { reason: 'timeout' },
  '210': { reason: 'network' },
  '241': { reason: 'memory_limit' },
  '242': { reason: 'read_only_table' },
  '252': { reason: 'too_many_parts' },
  '285': { reason: 'too_few_live_replicas' },
  '319': { reason: 'unknown_insert_status' },
};

export function classifyFailure(error: unknown): Failure {
  if (error instanceof ClickHouseError) {
    const verdict = verdicts[error.code] ?? { reason: `code_${error.code}` };
    const name = `ClickHouse error ${error.code}${error.type === undefined ? '' : ` ${error.type}`}`;
    const hint = verdict.hint === undefined ? '' : ` (${verdict.hint})`;
    return {
      permanent: verdict.permanent === true,
      reason: verdict.reason,
      message: `${name}${hint}: ${firstLine(error.message)}`,
    };
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (typeof code === 'string')
    return { permanent: false, reason: 'network', message: firstLine(`${code}: ${(error as Error).message}`) };
  const text = error instanceof Error ? error.message : String(error);
  return { permanent: false, reason: /timeout/i.test(text) ? 'timeout' : 'unknown', message: firstLine(text) };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 500);
}
