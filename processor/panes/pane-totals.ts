/**
 * What a pane's contributions add up to, kept in step with the table so that a row can be written without walking it.
 * Owns exact sums only: whole numbers and multisets, so that taking out is the inverse of adding and the totals are a
 * function of the set. The table in pane.ts is the truth.
 */
import type { TerminalState } from '../../schema/state.ts';
import type { StepContribution } from './contribution.ts';
import type { Counted } from './contribution-table.ts';
import { SortedValues } from './sorted-values.ts';

export class StepTotals {
  executions = 0;
  errors = 0;
  attempts = 0;
  blamed = 0;
  readonly durationsMs = new SortedValues();

  /** @param sign 1 to add, -1 to take out */
  count(step: StepContribution, sign: 1 | -1): void {
    this.executions += sign * step.executions;
    this.errors += sign * step.errors;
    this.attempts += sign * step.attempts;
    this.blamed += sign * step.blamed;
    for (const ms of step.durationsMs) put(this.durationsMs, ms, sign);
  }
}

export class PaneTotals {
  readonly states: Record<TerminalState, number> = {
    SUCCEEDED: 0,
    FAILED: 0,
    ABANDONED: 0,
    CANCELLED: 0,
    SKIPPED: 0,
    CONTINUED: 0,
  };
  completed = 0;
  recovered = 0;
  late = 0;
  sampled = 0;
  durationSumUs = 0;
  /** µs, as are the queue latencies. */
  readonly durationsUs = new SortedValues();
  readonly queuesUs = new SortedValues();
  /** Every step that was ever counted: one that lost its last run is written as zeros. */
  readonly steps = new Map<string, StepTotals>();

  /** @param sign 1 to add, -1 to take out */
  count(run: Counted, sign: 1 | -1): void {
    this.states[run.state] += sign;
    if (run.completed) this.completed += sign;
    if (run.recovered) this.recovered += sign;
    if (run.late) this.late += sign;
    if (run.sampled) this.sampled += sign;
    if (run.queueUs !== null) put(this.queuesUs, run.queueUs, sign);
    if (run.durationUs !== null) {
      put(this.durationsUs, run.durationUs, sign);
      this.durationSumUs += sign * run.durationUs;
    }
    for (const step of run.steps) this.#step(step.step).count(step, sign);
  }

  #step(name: string): StepTotals {
    let totals = this.steps.get(name);
    if (totals === undefined) this.steps.set(name, (totals = new StepTotals()));
    return totals;
  }
}

function put(values: SortedValues, value: number, sign: 1 | -1): void {
  if (sign === 1) values.add(value);
  else values.remove(value);
}
