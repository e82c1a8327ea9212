/**
 * A checker's complaint in one line: `file:line: key: got …, expected …`, with the nearest key for a misspelt one.
 * Owns wording and redaction; the checks are in document.ts.
 */
import type { z } from 'zod';
import { nearest } from './nearest.ts';
import { isSettingsMap, placeOf, typeName, type Path, type SettingsTree } from './settings-tree.ts';

const secretKey = /password|token|secret|credential/i;

export function explainIssue(issue: z.core.$ZodIssue, schema: z.ZodType, tree: SettingsTree): string[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => explainUnknownKey([...path, key], knownKeys(schema, path), tree));
  }
  const start = `${placeOf(tree, path)}: ${path.join('.')}`;
  if (issue.code === 'custom' && issue.params?.['whole'] === true) return [`${start}: ${issue.message}`];
  const expected = issue.code === 'invalid_type' ? `expected ${expectedType(issue.expected)}` : issue.message;
  return [`${start}: got ${shown(valueAt(tree.value, path), path)}, ${expected}`];
}

function explainUnknownKey(path: Path, known: readonly string[], tree: SettingsTree): string {
  const meant = nearest(String(path.at(-1)), known);
  const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean '${meant}'?`;
  return `${placeOf(tree, path)}: ${path.join('.')}: unknown key; ${hint}`;
}

function shown(value: unknown, path: Path): string {
  if (path.some((key) => secretKey.test(String(key)))) return '[redacted]';
  // A URL may carry a password.
  if (typeof value === 'string' && /:\/\/[^/]*@/.test(value)) return '[redacted]';
  return typeof value === 'object' && value !== null ? typeName(value) : (JSON.stringify(value) ?? 'nothing');
}

function expectedType(type: string): string {
  const names: Readonly<Record<string, string>> = { object: 'a map', array: 'a list', string: 'a text' };
  return names[type] ?? type;
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current)) current = current[Number(key)];
    else current = isSettingsMap(current) ? current[key] : undefined;
  }
  return current;
}

/** The keys of the map that the schema has at that path; none where it has no such map. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let current = unwrap(schema);
  for (const key of path) {
    const child = current.shape?.[String(key)];
    if (child === undefined) return [];
    current = unwrap(child);
  }
  return Object.keys(current.shape ?? {});
}

interface SchemaDefinition {
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  /** Of optional and defaulted values. */
  readonly innerType?: z.ZodType;
  /** Of preprocessed values. */
  readonly out?: z.ZodType;
}

function unwrap(schema: z.ZodType): SchemaDefinition {
  const definition = schema.def as SchemaDefinition;
  const inner = definition.innerType ?? definition.out;
  return inner === undefined ? definition : unwrap(inner);
}
