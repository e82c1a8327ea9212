/**
 * What the demo sends, as data: five processes of a small shop, and how each of their runs goes.
 * Owns the scenario and its figures; sending is send-demo-runs.ts, the comparison demo-verdict.ts.
 */

export interface DemoAttempt {
  readonly durationMs: number;
  readonly error: { readonly type: string; readonly message: string } | undefined;
}

export interface DemoStep {
  readonly name: string;
  /** In order; a failed one followed by another is a retry. */
  readonly attempts: readonly DemoAttempt[];
}

export interface DemoRun {
  readonly process: string;
  readonly service: string;
  /** How long before now the run ended (had it ended). */
  readonly endedAgoMs: number;
  readonly steps: readonly DemoStep[];
  /** What the root span says about itself; `never` = the root span never comes: the run is still running. */
  readonly root: 'unset' | 'ok' | 'error' | 'never';
}

interface DemoProcess {
  readonly name: string;
  readonly service: string;
  /** Step name and its usual duration. */
  readonly steps: readonly (readonly [name: string, durationMs: number])[];
  readonly runs: number;
  /** Every n-th run fails in this step: `gives up` leaves the rest out, `carries on` ends with root OK all the same. */
  readonly fails: readonly {
    readonly every: number;
    readonly step: string;
    readonly after: 'gives up' | 'carries on';
  }[];
  /** Every n-th run succeeds only at the second attempt of this step. */
  readonly retries?: { readonly every: number; readonly step: string };
  /** Every n-th run takes this many times as long in this step. */
  readonly slow?: { readonly every: number; readonly step: string; readonly factor: number };
}

const demoProcesses: readonly DemoProcess[] = [
  {
    name: 'checkout-fulfillment',
    service: 'orders-worker',
    steps: [
      ['validate', 40],
      ['charge_card', 620],
      ['reserve_stock', 180],
      ['notify', 90],
    ],
    runs: 60,
    fails: [
      { every: 9, step: 'charge_card', after: 'gives up' },
      { every: 25, step: 'reserve_stock', after: 'gives up' },
    ],
    retries: { every: 7, step: 'charge_card' },
  },
  {
    name: 'user-signup',
    service: 'accounts-worker',
    steps: [
      ['create_account', 60],
      ['provision', 240],
      ['welcome_mail', 110],
    ],
    runs: 80,
    fails: [{ every: 20, step: 'welcome_mail', after: 'carries on' }],
  },
  {
    name: 'invoice-run',
    service: 'billing-worker',
    steps: [
      ['load_order', 130],
      ['render_pdf', 900],
      ['issue_invoice', 350],
    ],
    runs: 30,
    fails: [],
    slow: { every: 6, step: 'render_pdf', factor: 11 },
  },
  {
    name: 'nightly-etl',
    service: 'data-worker',
    steps: [
      ['extract', 95_000],
      ['transform', 260_000],
      ['load', 140_000],
    ],
    runs: 8,
    fails: [{ every: 4, step: 'transform', after: 'gives up' }],
  },
  {
    name: 'document-ingest',
    service: 'data-worker',
    steps: [
      ['fetch', 300],
      ['ocr', 4200],
      ['index', 700],
    ],
    runs: 25,
    fails: [{ every: 8, step: 'ocr', after: 'gives up' }],
    retries: { every: 5, step: 'fetch' },
  },
];

/** Runs end spread over this time before now. */
const spreadMs = 15 * 60_000;
const pauseMs = 15;
const upstreamError = { type: 'UpstreamError', message: 'upstream returned 503' };

/** All runs of the demo; the last one never ends. */
export function demoRuns(): DemoRun[] {
  const runs = demoProcesses.flatMap((process) =>
    Array.from({ length: process.runs }, (_, index) => plannedRun(process, index)),
  );
  const stuck = demoProcesses.find((process) => process.name === 'document-ingest')!;
  const steps = stuck.steps.slice(0, 2).map(([name, durationMs]) => step(name, [durationMs]));
  return [...runs, { process: stuck.name, service: stuck.service, endedAgoMs: 60_000, steps, root: 'never' }];
}

/** Time from the start of a run to its end: its attempts one after the other, with a short pause before each. */
export function runDurationMs(run: DemoRun): number {
  return run.steps.flatMap((step) => step.attempts).reduce((sum, attempt) => sum + pauseMs + attempt.durationMs, 0);
}

/** When each attempt of a run starts, in ms after the start of the run, in the order of steps and attempts. */
export function attemptStartsMs(run: DemoRun): number[] {
  let at = 0;
  return run.steps
    .flatMap((step) => step.attempts)
    .map((attempt) => {
      const start = at + pauseMs;
      at = start + attempt.durationMs;
      return start;
    });
}

function plannedRun(process: DemoProcess, index: number): DemoRun {
  const turn = index + 1;
  const failure = process.fails.find(({ every }) => turn % every === 0);
  const { retries, slow } = process;
  const retried = failure === undefined && retries !== undefined && turn % retries.every === 0 ? retries.step : '';
  const slowed = slow !== undefined && turn % slow.every === 0 ? slow : undefined;
  const failedAt = process.steps.findIndex(([name]) => name === failure?.step);
  const reached = failure?.after === 'gives up' ? process.steps.slice(0, failedAt + 1) : process.steps;
  const steps = reached.map(([name, usualMs]): DemoStep => {
    // No two runs of a process take the same time, so that a quantile names one of them.
    const durationMs = Math.round(usualMs * (0.6 + 0.8 * ((index * 0.618_034) % 1))) + index;
    const stretched = slowed?.step === name ? durationMs * slowed.factor : durationMs;
    if (name === failure?.step) return step(name, [], stretched);
    return name === retried ? step(name, [stretched], Math.round(stretched / 2)) : step(name, [stretched]);
  });
  const root =
    failure === undefined ? 'unset' : failure.after === 'carries on' ? 'ok' : turn % 2 === 0 ? 'unset' : 'error';
  const endedAgoMs = 5_000 + Math.round((spreadMs * (process.runs - turn)) / process.runs);
  return { process: process.name, service: process.service, endedAgoMs, steps, root };
}

/** A step: a failed attempt first when `failedMs` is given, then the successful ones. */
function step(name: string, succeededMs: readonly number[], failedMs?: number): DemoStep {
  const failed = failedMs === undefined ? [] : [{ durationMs: failedMs, error: upstreamError }];
  return { name, attempts: [...failed, ...succeededMs.map((durationMs) => ({ durationMs, error: undefined }))] };
}
