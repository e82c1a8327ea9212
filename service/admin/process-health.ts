/** The rows of `process_health` as the page shows them, read as every reader reads. Owns the query only. */
import type { ClickHouseClient } from '@clickhouse/client';

/** Shown on the page, so that what it leaves out is plain. */
export const healthQuery =
  "SELECT * FROM process_health ORDER BY environment, process, indexOf(['5m', '1h', '24h'], window) LIMIT 1000";

export async function readProcessHealth(reader: ClickHouseClient): Promise<Readonly<Record<string, unknown>>[]> {
  const result = await reader.query({ query: healthQuery, format: 'JSONEachRow' });
  return result.json<Record<string, unknown>>();
}
