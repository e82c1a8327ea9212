/**
 * The door of the processor: batches in, journal records to the machine, rows out.
 * Owns the clock reading (the only one), the ticks, and the order of records; the machine owns everything else.
 * A batch is acknowledged once its record is applied and the exporter has room for the rows it caused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../schema/clock.ts';
import { RetryableError, type Consumer, type Stage } from '../schema/contract.ts';
import type { Dialect } from '../schema/dialect.ts';
import type { JournalRecord, Micros } from '../schema/journal-record.ts';
import type { RowBatch } from '../schema/rows.ts';
import type { RootWatch, SpanBatch } from '../schema/span-batch.ts';
import type { Telemetry } from '../schema/telemetry.ts';
import type { ProcessorConfig } from './config.ts';
import { Machine } from './machine.ts';

/** How long a request is held while the exporter has no room, before it is refused as retryable. */
const MAX_HOLD_MS = 8000;
/** Ticks are not finer than this, however close two timers lie. */
const MIN_TICK_MS = 20;
/** Without a timer the machine still looks at the time so often. */
const MAX_TICK_MS = 1000;

export interface ProcessorDependencies {
  readonly next: Consumer<RowBatch>;
  readonly dialects: readonly Dialect[];
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export class Processor implements Stage, Consumer<SpanBatch>, RootWatch {
  readonly #machine: Machine;
  readonly #next: Consumer<RowBatch>;
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  #lastAt: Micros = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Settles when the exporter has taken every batch of rows handed to it so far. */
  #handedOn: Promise<void> = Promise.resolve();
  #waitingBatches = 0;
  #stopped = false;

  constructor(config: ProcessorConfig, { next, dialects, clock, telemetry }: ProcessorDependencies) {
    this.#machine = new Machine(config, dialects, telemetry);
    this.#next = next;
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  async start(): Promise<void> {
    this.#scheduleTick();
  }

  /** @throws RetryableError when the service stops, or when the exporter has had no room for 8 s */
  async consume(batch: SpanBatch): Promise<void> {
    if (this.#stopped) throw new RetryableError('the service is stopping', { retryAfterMs: 1000 });
    await this.#waitForRoom();
    this.#apply({ kind: 'spans', at: this.#time(), tracesData: batch.tracesData });
  }

  active(): boolean {
    return this.#machine.watch.active();
  }

  watches(traceId: string): boolean {
    return this.#machine.watch.watches(traceId);
  }

  /**
   * Lets the runs whose roots have arrived settle (2 s at most by default), hands on every row that is not written
   * yet, and waits until the exporter has them.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    await delay(Math.max(0, (this.#machine.settledBy() - this.#time()) / 1000));
    // Undecided spans cannot wait any longer: what is not seen by now is decided without it.
    this.#apply({ kind: 'tick', at: Math.max(this.#time(), this.#machine.settledBy(), this.#machine.decidedBy()) });
    this.#handOn(this.#machine.flush());
    await this.#handedOn;
  }

  #apply(record: JournalRecord): void {
    this.#handOn(this.#machine.apply(record));
    this.#telemetry.gauge('finishline_open_spans', this.#machine.openSpans);
    if (!this.#stopped) this.#scheduleTick();
  }

  #handOn(rows: RowBatch): void {
    if (isEmpty(rows)) return;
    this.#waitingBatches++;
    this.#handedOn = Promise.all([this.#handedOn, this.#next.consume(rows)]).then(
      () => void this.#waitingBatches--,
      (error: unknown) => {
        this.#waitingBatches--;
        this.#telemetry.error('rows were refused by the exporter', { error: String(error) });
        this.#countRefused('runs_data', rows.runs);
        this.#countRefused('steps_data', rows.steps);
      },
    );
  }

  #countRefused(table: string, rows: readonly unknown[]): void {
    this.#telemetry.count('finishline_rows_dropped_total', rows.length, { table, reason: 'refused' });
  }

  /** Rows that the exporter has not taken yet hold new spans back: memory is bounded by what is held. */
  async #waitForRoom(): Promise<void> {
    if (this.#waitingBatches === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new RetryableError('the exporter is behind: rows wait for ClickHouse', { retryAfterMs: 2000 }));
      }, MAX_HOLD_MS);
    });
    try {
      await Promise.race([this.#handedOn, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Journal time never goes back, whatever the wall clock does. */
  #time(): Micros {
    this.#lastAt = Math.max(this.#lastAt, this.#clock.now());
    return this.#lastAt;
  }

  #scheduleTick(): void {
    clearTimeout(this.#timer);
    const waitMs = (this.#machine.nextDue() - this.#clock.now()) / 1000;
    this.#timer = setTimeout(() => this.#tick(), Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, waitMs)));
  }

  /** Time passed; a record says so before a timer may act. */
  #tick(): void {
    const now = this.#time();
    if (this.#machine.nextDue() <= now) this.#apply({ kind: 'tick', at: now });
    else this.#scheduleTick();
  }
}

function isEmpty(rows: RowBatch): boolean {
  return (
    rows.runs.length === 0 &&
    rows.steps.length === 0 &&
    rows.inFlight.length === 0 &&
    rows.processPanes.length === 0 &&
    rows.stepPanes.length === 0
  );
}
