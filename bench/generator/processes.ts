/**
 * The eight processes of the generated workload: names, steps and how long they take.
 * Step names are shared between processes on purpose: without its run a step does not tell its process.
 */

export const stepsPerRun = 4;

export interface GeneratedProcess {
  readonly name: string;
  readonly service: string;
  readonly steps: readonly [string, string, string, string];
  /** Median duration of a run and the spread (sigma of the logarithm). */
  readonly medianMs: number;
  readonly sigma: number;
  /** Index of the step that breaks most of the failing runs. */
  readonly weakStep: number;
}

export const environment = 'production';

export const processes: readonly GeneratedProcess[] = [
  process('checkout-fulfillment', 'orders-worker', ['validate', 'charge_card', 'reserve_stock', 'notify'], 900, 0.6, 1),
  process('refund', 'orders-worker', ['validate', 'load_order', 'refund_card', 'notify'], 450, 0.5, 2),
  process('user-signup', 'accounts-worker', ['validate', 'create_account', 'provision', 'notify'], 120, 0.7, 2),
  process(
    'subscription-renewal',
    'billing-worker',
    ['load_order', 'charge_card', 'issue_invoice', 'notify'],
    2100,
    0.6,
    1,
  ),
  process('invoice-run', 'billing-worker', ['load_order', 'render', 'issue_invoice', 'notify'], 4500, 0.5, 3),
  process('nightly-etl', 'data-worker', ['extract', 'transform', 'load', 'notify'], 45_000, 0.6, 1),
  process('report-export', 'data-worker', ['extract', 'render', 'upload', 'notify'], 18_000, 0.5, 2),
  process('document-ingest', 'data-worker', ['extract', 'transform', 'provision', 'notify'], 9000, 0.8, 0),
];

/** Where in a run each step starts, as a share of its full duration; the last entry is the end of the last step. */
export const stepStarts = [0.05, 0.15, 0.55, 0.75, 1] as const;

function process(
  name: string,
  service: string,
  steps: GeneratedProcess['steps'],
  medianMs: number,
  sigma: number,
  weakStep: number,
): GeneratedProcess {
  return { name, service, steps, medianMs, sigma, weakStep };
}
