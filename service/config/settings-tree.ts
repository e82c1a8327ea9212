/**
 * The settings before they are checked: plain values merged from files and `--set`, each with where it was said.
 * Owns parsing, merging and positions; knows no key by name. Maps merge, everything else is replaced (as in the Collector).
 */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { ConfigurationError } from './configuration-error.ts';

export type Path = readonly (string | number)[];
export type SettingsMap = { [key: string]: unknown };

/** A parsed source and the place of each of its keys, by {@link pathKey}. */
export interface SettingsTree {
  readonly value: SettingsMap;
  readonly places: ReadonlyMap<string, string>;
}

export function pathKey(path: Path): string {
  return path.join('\u0000');
}

/** @throws ConfigurationError with file and line for every YAML mistake. */
export function parseSettingsFile(name: string, text: string): SettingsTree {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number) => `${name}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw new ConfigurationError(document.errors.map((error) => `${at(error.pos[0])}: ${error.message}`));
  }
  const places = new Map<string, string>();
  collectPlaces(document.contents, [], at, places);
  const value: unknown = document.toJS() ?? {};
  if (!isSettingsMap(value))
    throw new ConfigurationError([`${at(0)}: got ${typeName(value)}, expected a map of sections`]);
  return { value, places };
}

/** `a.b.c=value`; the value is read as YAML when it is a list or a map, and kept as text otherwise. */
export function parseSetting(argument: string): SettingsTree {
  const equals = argument.indexOf('=');
  const path = argument.slice(0, Math.max(equals, 0)).split('.');
  if (equals < 1 || path.includes('')) {
    throw new ConfigurationError([`--set ${argument}: expected --set section.key=value`]);
  }
  const text = argument.slice(equals + 1);
  const parsed = parseDocument(text, { prettyErrors: false });
  const structured = parsed.errors.length === 0 && !isScalar(parsed.contents) && parsed.contents !== null;
  const places = new Map<string, string>();
  let value: unknown = structured ? parsed.toJS() : text;
  for (let depth = path.length; depth > 0; depth--) {
    places.set(pathKey(path.slice(0, depth)), `--set ${path.join('.')}`);
    value = { [path[depth - 1]!]: value };
  }
  return { value: value as SettingsMap, places };
}

/** Later wins; a section said twice is one section. `null` (an empty section) never erases what is there. */
export function mergeTrees(earlier: SettingsTree, later: SettingsTree): SettingsTree {
  return { value: mergeMaps(earlier.value, later.value), places: new Map([...earlier.places, ...later.places]) };
}

/** Where a key was said; of a key that was not said, where its nearest section was. */
export function placeOf(tree: SettingsTree, path: Path): string {
  for (let depth = path.length; depth > 0; depth--) {
    const place = tree.places.get(pathKey(path.slice(0, depth)));
    if (place !== undefined) return place;
  }
  return 'configuration';
}

export function isSettingsMap(value: unknown): value is SettingsMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function typeName(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}

function mergeMaps(earlier: SettingsMap, later: SettingsMap): SettingsMap {
  const merged: SettingsMap = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const before = merged[key];
    if (isSettingsMap(before) && isSettingsMap(value)) merged[key] = mergeMaps(before, value);
    else if (value !== null || before === undefined) merged[key] = value;
  }
  return merged;
}

function collectPlaces(node: unknown, path: Path, at: (offset: number) => string, places: Map<string, string>): void {
  if (!isMap(node)) return;
  for (const pair of node.items) {
    if (!isScalar(pair.key) || pair.key.range == null) continue;
    const childPath = [...path, String(pair.key.value)];
    places.set(pathKey(childPath), at(pair.key.range[0]));
    collectPlaces(pair.value, childPath, at, places);
  }
}
