/**
 * The processor proper: a deterministic state machine whose only input is journal records.
 * Owns the timers and what happens when one fires; the same records give the same rows, whenever they are fed.
 * Never asks a clock: time is what the records say.
 */
import type { Dialect } from '../schema/dialect.ts';
import type { JournalRecord, Micros } from '../schema/journal-record.ts';
import type { RootWatch } from '../schema/span-batch.ts';
import type { RowBatch } from '../schema/rows.ts';
import type { Telemetry } from '../schema/telemetry.ts';
import type { ProcessorConfig } from './config.ts';
import { EventRole, isLocalRoot, type Event } from './event.ts';
import { Interpreter } from './interpret/interpreter.ts';
import { Publisher } from './ledger/publisher.ts';
import { RowSink } from './ledger/row-sink.ts';
import { Closer } from './open-runs/closer.ts';
import { DelayQueue } from './open-runs/delay-queue.ts';
import type { GroupList } from './open-runs/group-list.ts';
import { GroupStore } from './open-runs/group-store.ts';
import { writeInFlight } from './open-runs/in-flight-book.ts';
import type { TraceGroup } from './open-runs/trace-group.ts';
import { mayBeUndecided, UndecidedTraces } from './open-runs/undecided-traces.ts';
import { PaneBook } from './panes/pane-book.ts';

/** Untagged errors that come later than this after their run's close explain nothing any more. */
const EVIDENCE_WINDOW: Micros = 600_000_000;
const DAY: Micros = 86_400_000_000;

export class Machine {
  readonly #config: ProcessorConfig;
  readonly #telemetry: Telemetry;
  readonly #interpreter: Interpreter;
  readonly #store: GroupStore;
  readonly #undecided = new UndecidedTraces();
  readonly #panes: PaneBook;
  readonly #closer: Closer;
  /** Groups to look at when a root has settled, and when one has waited long enough for its local root. */
  readonly #settling: DelayQueue<TraceGroup>;
  readonly #waiting: DelayQueue<TraceGroup>;
  /** Groups whose in-flight rows are due to appear or change, and to be written again. */
  readonly #inFlight: DelayQueue<TraceGroup>;
  readonly #daily = new DelayQueue<TraceGroup>(DAY);
  /** Groups whose runs are all closed, until they leave memory. */
  readonly #closed: DelayQueue<TraceGroup>;
  #closedSpans = 0;
  #now: Micros = 0;
  #rows = new RowSink();

  constructor(config: ProcessorConfig, dialects: readonly Dialect[], telemetry: Telemetry) {
    this.#config = config;
    this.#telemetry = telemetry;
    this.#interpreter = new Interpreter(dialects);
    this.#store = new GroupStore(config);
    this.#panes = new PaneBook(2 * config.lateWindow);
    this.#closer = new Closer(config, new Publisher(this.#panes, telemetry));
    this.#settling = new DelayQueue(config.settle);
    this.#waiting = new DelayQueue(Math.max(config.settle, config.undecidedWait));
    this.#inFlight = new DelayQueue(config.inFlightInterval);
    this.#closed = new DelayQueue(config.closedRetention);
  }

  get watch(): RootWatch {
    return this.#undecided;
  }

  /** Applies one record and returns the rows that it caused; records must come in journal order. */
  apply(record: JournalRecord): RowBatch {
    this.#now = Math.max(this.#now, record.at);
    this.#fireTimers();
    if (record.kind === 'spans') {
      this.#interpreter.events(record.tracesData, this.#now, (event) => this.#take(event));
    }
    this.#panes.take(this.#now, this.#rows);
    return this.#takeRows();
  }

  /** When a tick is needed at the latest; Infinity when nothing waits. */
  nextDue(): Micros {
    return Math.min(
      this.#settling.nextDue(),
      this.#waiting.nextDue(),
      this.#inFlight.nextDue(),
      this.#daily.nextDue(),
      this.#closed.nextDue(),
      this.#silenceDue(),
      this.#panes.nextDue(),
    );
  }

  /** By when every run whose root has arrived will have settled; in the past when all have. */
  settledBy(): Micros {
    return this.#settling.lastDue();
  }

  /** By when every undecided span will have been decided. */
  decidedBy(): Micros {
    return this.#waiting.lastDue();
  }

  /** The pane rows that are not written yet, for an orderly stop. */
  flush(): RowBatch {
    this.#panes.takeAll(this.#now, this.#rows);
    return this.#takeRows();
  }

  /** Spans in memory, of open and of closed runs. */
  get heldSpans(): number {
    return this.#store.spanCount;
  }

  get openSpans(): number {
    return this.#store.spanCount - this.#closedSpans;
  }

  #takeRows(): RowBatch {
    const rows = this.#rows;
    this.#rows = new RowSink();
    return rows;
  }

  #take(event: Event): void {
    if (event.traceId === '' || event.spanId === '') {
      this.#telemetry.count('finishline_spans_dropped_total', 1, { reason: 'invalid_id' });
      return;
    }
    if (this.#isLateEvidence(event)) {
      this.#telemetry.count('finishline_spans_dropped_total', 1, { reason: 'evidence_late' });
      return;
    }
    const { group, insertion } = this.#store.insert(event);
    switch (insertion) {
      case 'added':
      case 'replaced':
        this.#schedule(group, event);
        break;
      case 'same':
        this.#telemetry.count('finishline_spans_repeated_total', 1);
        break;
      case 'truncated':
      case 'evidence_limit':
        this.#telemetry.count('finishline_spans_dropped_total', 1, { reason: insertion });
        break;
      default:
        insertion satisfies never;
    }
    this.#enforceCaps();
  }

  #isLateEvidence(event: Event): boolean {
    if (event.role !== EventRole.UNTAGGED) return false;
    const published = this.#store.find(event.traceId)?.published;
    if (published === undefined || published.length === 0) return false;
    return published.every((run) => run.closedAt + EVIDENCE_WINDOW < this.#now);
  }

  /** Sets the timers that this event calls for. */
  #schedule(group: TraceGroup, event: Event): void {
    const wasWatched = this.#undecided.watches(event.traceId);
    this.#undecided.note(event, () => group.events());
    const isSight = wasWatched && isLocalRoot(event);
    if (event.role === EventRole.WORKFLOW || isSight || group.published.length > 0)
      this.#settling.push(group, this.#now);
    if (mayBeUndecided(event)) this.#waiting.push(group, this.#now);
    const mayBeInFlight = (event.runId !== '' && event.process !== '') || event.outcome === 'suspended';
    if (mayBeInFlight && !group.inFlightQueued) {
      group.inFlightQueued = true;
      this.#inFlight.push(group, this.#now);
    }
  }

  #fireTimers(): void {
    const now = this.#now;
    drain(this.#settling, now, (group) => this.#look(group));
    drain(this.#waiting, now, (group) => {
      this.#undecided.forget(group.traceIds);
      this.#look(group);
    });
    drain(this.#inFlight, now, (group) => {
      group.inFlightQueued = false;
      this.#writeInFlight(group);
    });
    drain(this.#daily, now, (group) => {
      group.dailyQueued = false;
      this.#writeInFlight(group);
    });
    drain(this.#closed, now, (group) => this.#leaveMemory(group));
    while (this.#silenceDue() <= now) this.#giveUpSilent(now);
  }

  /** Brings the group's rows in line with its spans, if anything may have changed. */
  #look(group: TraceGroup): void {
    if (!group.dirty && group.unclosed === 0) return;
    this.#closer.close(group, this.#now, this.#rows);
    if (group.inFlight.size > 0) this.#writeInFlight(group);
    if (group.published.length > 0 && group.unclosed === 0 && group.inFlight.size === 0) this.#markClosed(group);
  }

  #markClosed(group: TraceGroup): void {
    group.list?.remove(group);
    this.#closedSpans += group.size - group.closedSpans;
    group.closedSpans = group.size;
    group.closedAt = this.#now;
    this.#closed.push(group, this.#now);
  }

  #writeInFlight(group: TraceGroup): void {
    writeInFlight(group, this.#closer.openRuns(group), this.#now, this.#rows);
    if (group.inFlight.size === 0 || group.dailyQueued) return;
    group.dailyQueued = true;
    this.#daily.push(group, this.#now);
  }

  /** Evicts a closed group, unless something came since it was put into the queue. */
  #leaveMemory(group: TraceGroup): void {
    if (group.gone || group.dirty || group.unclosed > 0 || this.#store.open.has(group)) return;
    if (group.closedAt + this.#config.closedRetention > this.#now && !this.#isOverClosedBound()) return;
    this.#evict(group);
  }

  #evict(group: TraceGroup): void {
    if (group.orphans > 0) this.#telemetry.count('finishline_orphan_spans_total', group.orphans);
    this.#closedSpans -= group.closedSpans;
    this.#undecided.forget(group.traceIds);
    this.#store.evict(group);
  }

  /** When the group longest without a sign is to be given up. */
  #silenceDue(): Micros {
    const { open, suspended, clues } = this.#store;
    const { runTimeout, suspendedTimeout } = this.#config;
    return Math.min(
      firstSign(open) + runTimeout,
      firstSign(suspended) + suspendedTimeout,
      firstSign(clues) + runTimeout,
    );
  }

  #giveUpSilent(now: Micros): void {
    const { open, suspended, clues } = this.#store;
    const { runTimeout, suspendedTimeout } = this.#config;
    const clue = clues.first;
    if (clue !== undefined && clue.lastSeen + runTimeout <= now) this.#evict(clue);
    const silent = open.first;
    if (silent !== undefined && silent.lastSeen + runTimeout <= now) this.#giveUp(silent);
    const paused = suspended.first;
    if (paused !== undefined && paused.lastSeen + suspendedTimeout <= now) this.#giveUp(paused);
  }

  /** ABANDONED, where process and run id are known; what else was left over is counted and dropped. */
  #giveUp(group: TraceGroup): void {
    const runs = this.#closer.openRuns(group);
    group.orphans = runs.orphans;
    const isWaiting = this.#closer.abandon(group, runs, this.#now, this.#rows);
    group.list?.remove(group);
    writeInFlight(group, this.#closer.openRuns(group), this.#now, this.#rows);
    if (isWaiting) this.#store.suspended.push(group);
    else if (group.published.length > 0) this.#markClosed(group);
    else this.#evict(group);
  }

  #isOverClosedBound(): boolean {
    return this.#closedSpans > this.#config.maxClosedSpans;
  }

  #enforceCaps(): void {
    const { open, clues } = this.#store;
    while (this.#isOverClosedBound()) {
      const group = this.#closed.takeFirst();
      if (group === undefined) break;
      this.#leaveMemory(current(group));
    }
    if (this.#store.untaggedCount > this.#config.maxEvidence) this.#drop(clues.first, 'evidence_limit');
    if (open.size > this.#config.maxOpenRuns) this.#drop(open.first, 'open_runs_limit');
  }

  #drop(group: TraceGroup | undefined, reason: string): void {
    if (group === undefined) return;
    this.#telemetry.count('finishline_spans_dropped_total', group.size, { reason });
    group.orphans = 0;
    this.#evict(group);
  }
}

/** Hands over every due group, as it is now: a group that another took over stands for both. */
function drain(queue: DelayQueue<TraceGroup>, now: Micros, use: (group: TraceGroup) => void): void {
  for (let timed = queue.takeDue(now); timed !== undefined; timed = queue.takeDue(now)) {
    const group = current(timed);
    if (!group.gone) use(group);
  }
}

function current(timed: TraceGroup): TraceGroup {
  let group = timed;
  while (group.mergedInto !== undefined) group = group.mergedInto;
  return group;
}

/** The last sign of the group that is first in the order of silence; Infinity when there is none. */
function firstSign(groups: GroupList): Micros {
  return groups.first?.lastSeen ?? Infinity;
}
