/**
 * The rows of runs that are known to be running: one appears once a run is open for a while, changes at most so often,
 * is rewritten daily and tombstoned when the run closes. Owns those rows; which runs are open comes from the closer.
 */
import type { Micros } from '../../schema/journal-record.ts';
import type { InFlightRow } from '../../schema/rows.ts';
import type { OpenState } from '../../schema/state.ts';
import { byStart, type Event } from '../event.ts';
import { stepNameOf } from '../derive/executions.ts';
import type { RunSpans } from '../derive/run-spans.ts';
import { inFlightTombstone } from '../ledger/ledger-rows.ts';
import type { RowSink } from '../ledger/row-sink.ts';
import type { OpenRuns } from './closer.ts';
import type { TraceGroup } from './trace-group.ts';

const DAY: Micros = 86_400_000_000;

/** Writes the rows of the group's open runs that changed, and tombstones for those that are open no more. */
export function writeInFlight(group: TraceGroup, open: OpenRuns, now: Micros, rows: RowSink): void {
  const standing = new Map<string, InFlightRow>();
  for (const run of open.rootless) writeRow(group, run, 'RUNNING', standing, now, rows);
  for (const run of open.suspended) writeRow(group, run, 'SUSPENDED', standing, now, rows);
  for (const [key, row] of group.inFlight) {
    if (!standing.has(key)) rows.inFlight.push(inFlightTombstone(row, Math.max(row.version + 1, now)));
  }
  group.inFlight = standing;
}

/** @param standing gains the row that stands for the run now */
function writeRow(
  group: TraceGroup,
  run: RunSpans,
  state: OpenState,
  standing: Map<string, InFlightRow>,
  now: Micros,
  rows: RowSink,
): void {
  const key = `${run.environment}\0${run.process}\0${run.runId}`;
  const known = group.inFlight.get(key);
  const events = [...new Set([...run.roots, ...run.steps])].map((node) => node.event);
  const row = rowOf(run, events, state, known, now);
  const isSame = known !== undefined && known.lastSeenAt === row.lastSeenAt && known.state === row.state;
  const stands = isSame && now - known.version < DAY;
  if (!stands) rows.inFlight.push(row);
  standing.set(key, stands ? known : row);
}

function rowOf(
  run: RunSpans,
  events: readonly Event[],
  state: OpenState,
  known: InFlightRow | undefined,
  now: Micros,
): InFlightRow {
  const started = events.toSorted(byStart);
  const { environment, process, runId, root, steps } = run;
  const opened = events.reduce((first, event) => Math.min(first, event.received), Infinity);
  const current = steps.reduce<Event | undefined>(
    (latest, { event }) => (latest === undefined || byStart(event, latest) > 0 ? event : latest),
    undefined,
  );
  return {
    key: known?.key ?? { openedDay: Math.floor(opened / DAY), environment, process, runId },
    version: known === undefined ? now : Math.max(known.version + 1, now),
    deleted: false,
    service: root.event.service,
    dialect: root.event.dialect,
    state,
    traceId: root.event.traceId,
    startedAt: started[0]!.start,
    lastSeenAt: events.reduce((last, event) => Math.max(last, event.received), 0),
    currentStep: current === undefined ? '' : stepNameOf(current),
  };
}
