/** No view shows a literal in place of a column that nothing fills, and none asks the zone of the session. */
import { describe, expect, test } from 'vitest';
import { readSqlFiles, statementsOf, viewsFolder } from '../../../exporter/clickhouse/sql-files.ts';

const target = { database: 'finishline', cluster: '', embedded: true };
const views = readSqlFiles(viewsFolder).map((file) => [file.name, statementsOf(file, target)[0]!] as const);

/** The windows are what a row of the windows views is about; the zero is added to the counts of runs in flight. */
const allowed = new Set([
  "'5m' AS window",
  "'1h' AS window",
  "'24h' AS window",
  "['5m', '1h', '24h'] AS window",
  'toUInt64(0) AS open_runs',
]);

/** The text of the expression that ends at `end`: back to the comma, bracket or keyword that it follows. */
function expressionBefore(sql: string, end: number): string {
  let depth = 0;
  let start = end;
  for (; start > 0; start--) {
    const character = sql[start - 1]!;
    if (character === ')' || character === ']') depth++;
    else if (character === '(' || character === '[') depth--;
    if (depth < 0 || (depth === 0 && character === ',')) break;
    if (depth === 0 && /\b(SELECT|WITH|JOIN|FROM|DISTINCT)\s$/.test(sql.slice(0, start))) break;
  }
  return sql.slice(start, end).trim();
}

/** Named expressions that read no column and call nothing that depends on rows or time. */
function namedLiterals(sql: string): string[] {
  // Strings become '' of the same length, so that what they say is not taken for names.
  const blank = sql.replaceAll(/'[^']*'/g, (text) => `'${' '.repeat(text.length - 2)}'`);
  return [...blank.matchAll(/\sAS\s+(\w+)/g)]
    .map((match) => ({ end: match.index, name: match[1]!, expression: expressionBefore(blank, match.index) }))
    .filter(({ expression }) => !/\b(now|now64|count|row_number)\(/.test(expression))
    .filter(({ expression }) => !/\b(?!(?:NULL|true|false|AND|OR|NOT|AS)\b)[A-Za-z_]\w*\b(?!\()/.test(expression))
    .map(({ end, name, expression }) => `${sql.slice(end - expression.length, end)} AS ${name}`)
    .filter((text) => !allowed.has(text));
}

test.for(views)('%s has no literal for a column', ([, sql]) => {
  expect(namedLiterals(sql)).toEqual([]);
});

test.for([
  '0 AS stuck',
  "'' AS group_id",
  'NULL AS threshold_ms',
  'toUInt8(0) AS stuck',
  'if(1 = 1, NULL, 0.5) AS stuck_since',
  "CAST(NULL, 'Nullable(DateTime)') AS stuck_since",
  '[] AS quality',
  "['a', 'b'] AS quality",
  'toFloat64(NULL) AS x',
  '-1 AS x',
  '1 + 1 AS x',
])('the test sees %s', (column) => {
  expect(namedLiterals(`SELECT ${column}, b FROM t`)).toEqual([column]);
  expect(namedLiterals(`SELECT\n    sum(a) AS c,\n    ${column},\n    b`)).toEqual([column]);
});

test('every column of the views is looked at', () => {
  expect(namedLiterals('SELECT a / 1000 AS a_ms, if(b = 0, NULL, a / b) AS rate, count() AS n FROM t AS u')).toEqual(
    [],
  );
});

describe('time', () => {
  test.for(views)('%s names UTC wherever it asks the clock', ([, sql]) => {
    for (const call of sql.matchAll(/\b(now|now64|today|yesterday)\(([^()]*)\)/g)) expect(call[2]).toMatch(/'UTC'$/);
    expect(sql).not.toMatch(/\b(toDate|toDateTime|toDateTime64|parseDateTime\w*)\((?![^()]*'UTC')/);
  });
});
