/**
 * How long each table keeps its rows. Owns the expressions, spelled as the server prints them back.
 * Counted from written_at: a newer version with an earlier date would expire first and show the older one again.
 */
import type { TableName } from '../../schema/tables.ts';
import type { TtlSettings } from './config.ts';

export function ttlExpressions(ttl: TtlSettings): Record<TableName, string> {
  const panes = `${after(ttl.minutePanesDays)} WHERE resolution = '1m', ${after(ttl.hourPanesDays)} WHERE resolution = '1h'`;
  return {
    runs_data: after(ttl.ledgerDays),
    steps_data: after(ttl.ledgerDays),
    in_flight_data: after(ttl.inFlightDays),
    process_panes_data: panes,
    step_panes_data: panes,
  };
}

function after(days: number): string {
  return `toDateTime(written_at, 'UTC') + toIntervalDay(${days})`;
}
