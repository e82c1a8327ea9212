/** Rows of an answer as aligned text. Owns only how a table looks. */
import type { AnswerRow } from './demo-verdict.ts';

export function tableText(rows: readonly AnswerRow[]): string {
  if (rows.length === 0) return '  (no rows)\n';
  const columns = Object.keys(rows[0]!);
  const decimals = columns.map((column) => decimalsOf(rows.map((row) => row[column])));
  const cells = rows.map((row) => columns.map((column, i) => cellText(row[column], decimals[i]!)));
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((line) => line[i]!.length)));
  const numeric = columns.map((column) => rows.every((row) => row[column] === null || isNumber(row[column])));
  const line = (texts: readonly string[]) =>
    `  ${texts.map((text, i) => (numeric[i]! ? text.padStart(widths[i]!) : text.padEnd(widths[i]!))).join('  ')}`.trimEnd();
  return `${[line(columns), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n')}\n`;
}

/** One number of decimals for a column: four for shares, one for other fractions. */
function decimalsOf(values: readonly unknown[]): number {
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.every(Number.isInteger)) return 0;
  return numbers.every((value) => Math.abs(value) <= 1) ? 4 : 1;
}

function cellText(value: unknown, decimals: number): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'number') return value.toFixed(decimals);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** ClickHouse writes 64-bit numbers as strings. */
function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}
