import { describe, expect, test } from 'vitest';
import { expectedProcesses } from '../../../../service/cli/demo/demo-expectation.ts';
import { demoRuns } from '../../../../service/cli/demo/demo-plan.ts';
import { tableText } from '../../../../service/cli/demo/demo-table.ts';
import { type AnswerRow, healthDifferences, inFlightDifferences } from '../../../../service/cli/demo/demo-verdict.ts';

const expected = expectedProcesses(demoRuns());

/** What a right service would answer. */
function rightAnswer(): Record<string, unknown>[] {
  return expected.map((process) => ({
    process: process.process,
    runs: String(process.runs),
    succeeded: String(process.succeeded),
    failed: String(process.failed),
    completion_rate: process.completionRate,
    success_rate: process.successRate,
    p95_ms: process.durationsMs[Math.ceil(0.95 * process.durationsMs.length) - 1],
    failing_step: process.failingStep,
    failing_step_runs: String(process.failingStepRuns),
    in_flight: String(process.inFlight),
  }));
}

describe('what the demo sends', () => {
  test('is five processes with failures, handled errors, and one run that never ends', () => {
    expect(expected.map(({ process, runs, failed, inFlight }) => ({ process, runs, failed, inFlight }))).toEqual([
      { process: 'checkout-fulfillment', runs: 60, failed: 8, inFlight: 0 },
      { process: 'document-ingest', runs: 25, failed: 3, inFlight: 1 },
      { process: 'invoice-run', runs: 30, failed: 0, inFlight: 0 },
      { process: 'nightly-etl', runs: 8, failed: 2, inFlight: 0 },
      { process: 'user-signup', runs: 80, failed: 0, inFlight: 0 },
    ]);
    const signup = expected.find(({ process }) => process === 'user-signup')!;
    expect([signup.successRate, signup.completionRate, signup.failingStep]).toEqual([1, 0.95, 'welcome_mail']);
  });

  test('has retries that recover and a step that is slow now and then', () => {
    const retried = demoRuns().filter((run) =>
      run.steps.some((step) => step.attempts.length === 2 && step.attempts[1]!.error === undefined),
    );
    expect(new Set(retried.map((run) => run.process))).toEqual(new Set(['checkout-fulfillment', 'document-ingest']));
    const invoices = expected.find(({ process }) => process === 'invoice-run')!;
    expect(invoices.durationsMs.at(-1)! / invoices.durationsMs[10]!).toBeGreaterThan(4);
  });
});

describe('the verdict', () => {
  test('is empty for the right answer', () => {
    expect(healthDifferences(rightAnswer(), expected)).toEqual([]);
  });

  test.each<[column: string, value: unknown, line: string]>([
    ['runs', 59, 'checkout-fulfillment: runs is 59, sent 60'],
    ['completion_rate', 1, 'checkout-fulfillment: completion_rate is 1, sent 0.8666666666666667'],
    ['completion_rate', null, 'checkout-fulfillment: completion_rate is null, sent 0.8666666666666667'],
    ['failing_step', 'validate', 'checkout-fulfillment: failing_step is validate, sent charge_card'],
    ['failing_step_runs', '5', 'checkout-fulfillment: failing_step_runs is 5, sent 6'],
    ['in_flight', 1, 'checkout-fulfillment: in_flight is 1, sent 0'],
  ])('names the process and the figure: %s = %s', (column, value, line) => {
    const [first, ...rest] = rightAnswer();
    expect(healthDifferences([{ ...first, [column]: value }, ...rest], expected)).toEqual([line]);
  });

  test('sees a p95 outside its rank, a missing process and a foreign one', () => {
    const [first, ...rest] = rightAnswer();
    expect(healthDifferences([{ ...first, p95_ms: 1 }, ...rest], expected)[0]).toMatch(/p95_ms is 1, sent between/);
    expect(healthDifferences(rest, expected)).toEqual(['checkout-fulfillment: no row']);
    const foreign: AnswerRow = { process: 'ghost' };
    expect(healthDifferences([...rightAnswer(), foreign], expected)).toEqual(['ghost: a row for what was never sent']);
  });

  test('wants exactly the run that never ends in flight', () => {
    const row = { process: 'a', run_id: 'r', state: 'RUNNING' };
    expect(inFlightDifferences([row], 'a', 'r')).toEqual([]);
    expect(inFlightDifferences([], 'a', 'r')).toEqual(['runs_in_flight has 0 rows, sent 1 run that never ends']);
    expect(inFlightDifferences([{ ...row, state: 'FAILED' }], 'a', 'r')).toEqual([
      'runs_in_flight: state is FAILED, sent RUNNING',
    ]);
  });
});

test('a table is aligned, numbers to the right, one number of decimals per column, NULL as -', () => {
  const rows = [
    { process: 'a', runs: '10', rate: 0.5, p95: 10 },
    { process: 'long-name', runs: '7', rate: 1, p95: null },
  ];
  expect(tableText(rows)).toBe(
    [
      '  process    runs    rate  p95',
      '  ─────────  ────  ──────  ───',
      '  a            10  0.5000   10',
      '  long-name     7  1.0000    -',
      '',
    ].join('\n'),
  );
  expect(tableText([])).toBe('  (no rows)\n');
});
