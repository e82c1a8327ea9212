/**
 * `finishline sql "SELECT …"`: one query to the SQL door, its answer as a table on stdout.
 * Owns the request and what is printed; ClickHouse's own error text is passed on. Exit 1 when it fails.
 */
import { Readable } from 'node:stream';
import { ConfigurationError } from '../config/configuration-error.ts';
import { configFrom, readArguments } from './arguments.ts';
import type { CommandIo } from './run-command.ts';

interface Door {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws ConfigurationError when there is no query or no address. */
export async function runSql(args: readonly string[], io: CommandIo): Promise<number> {
  const parsed = readArguments(args, ['format', 'url'], 1);
  const [query] = parsed.positionals;
  if (query === undefined)
    throw new ConfigurationError(['finishline sql: expected a query, as in: sql "SELECT * FROM process_health"']);
  const config = configFrom(parsed, io.environment);
  const door = sqlDoor(config.sql, parsed.text('url'));
  door.url.searchParams.set('default_format', parsed.text('format') ?? 'PrettyCompactMonoBlock');
  // The answer is whole before its status is sent, so that a failure in the middle is not a success.
  door.url.searchParams.set('wait_end_of_query', '1');
  let response: Response;
  try {
    response = await fetch(door.url, { method: 'POST', body: query, headers: door.headers });
  } catch (error) {
    io.err(`cannot reach ${door.url.origin}: ${connectionReason(error)}; is the service running (npm start)?\n`);
    return 1;
  }
  if (!response.ok) {
    io.err(`${(await response.text()).trim()}\n`);
    return 1;
  }
  if (response.body !== null)
    for await (const chunk of Readable.fromWeb(response.body).setEncoding('utf8')) io.out(String(chunk));
  return 0;
}

function sqlDoor(
  door: {
    readonly url: string | undefined;
    readonly database: string;
    readonly username: string | undefined;
    readonly password: string | undefined;
  },
  given: string | undefined,
): Door {
  const text = given ?? door.url;
  if (text === undefined) {
    throw new ConfigurationError([
      'finishline sql: exporters.clickhouse.listen has port 0; say which port it became with --url http://localhost:PORT',
    ]);
  }
  if (!URL.canParse(text))
    throw new ConfigurationError([`--url ${text}: expected a URL such as http://localhost:8123`]);
  const url = new URL(text);
  url.searchParams.set('database', door.database);
  const headers: Record<string, string> = {};
  if (door.username !== undefined) headers['x-clickhouse-user'] = door.username;
  if (door.password !== undefined) headers['x-clickhouse-key'] = door.password;
  return { url, headers };
}

function connectionReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? (error instanceof Error ? error.message : String(error));
}
