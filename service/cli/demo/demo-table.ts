/** Rows of an answer as aligned text. Owns only how a table looks. */
import type { AnswerRow } from './demo-verdict.ts';

export function tableText(rows: readonly AnswerRow[]): string {
  if (rows.length === 0) return '  (no rows)\n';
  const columns = Object.keys(rows[0]!);
  const cells = rows.map((row) => columns.map((column) => cellText(row[column])));
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((line) => line[i]!.length)));
  const numeric = columns.map((column) => rows.every((row) => row[column] === null || isNumber(row[column])));
  const line = (texts: readonly string[]) =>
    `  ${texts.map((text, i) => (numeric[i]! ? text.padStart(widths[i]!) : text.padEnd(widths[i]!))).join('  ')}`.trimEnd();
  return `${[line(columns), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n')}\n`;
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'number' && !Number.isInteger(value)) return value.toFixed(value < 1 ? 4 : 1);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** ClickHouse writes 64-bit numbers as strings. */
function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}
