/**
 * Whether the components and pipelines of a document fit together.
 * Owns the checks across sections; what one component may be told is in document.ts.
 */
import { judgeComponent, type Section } from './components.ts';
import { nearest } from './nearest.ts';
import { isSettingsMap, placeOf, type Path, type SettingsTree } from './settings-tree.ts';

export interface Findings {
  readonly errors: string[];
  /** Worth one info line each at start. */
  readonly notes: string[];
}

const sections: readonly Section[] = ['receivers', 'processors', 'exporters', 'extensions', 'connectors'];

/** What every traces pipeline of Finishline consists of. */
const required = { receivers: 'otlp', processors: 'workflow', exporters: 'clickhouse' } as const;

/** @param tree the settings as they were written, without defaults. */
export function checkComponents(tree: SettingsTree, findings: Findings): void {
  for (const section of sections) {
    for (const name of Object.keys(mapAt(tree, [section]))) {
      const verdict = judgeComponent(section, name);
      if (verdict.kind === 'ours') continue;
      const line = `${placeOf(tree, [section, name])}: ${section}.${name}: ${verdict.text}`;
      (verdict.kind === 'error' ? findings.errors : findings.notes).push(line);
    }
  }
}

/** @param tree the settings as they were written, without defaults. */
export function checkPipelines(tree: SettingsTree, findings: Findings): void {
  const path = ['service', 'pipelines'];
  for (const [name, pipeline] of Object.entries(mapAt(tree, path))) {
    if (name !== 'traces') {
      const type = name.split('/', 1)[0];
      const text =
        type === 'traces' ? "Finishline has one traces pipeline; name it 'traces'" : foreignPipeline(String(type));
      findings.errors.push(`${placeOf(tree, [...path, name])}: ${[...path, name].join('.')}: ${text}`);
    } else if (isSettingsMap(pipeline)) {
      for (const section of ['receivers', 'processors', 'exporters'] as const) {
        checkNames(tree, [...path, name, section], section, required[section], findings);
      }
    }
  }
  checkNames(tree, ['service', 'extensions'], 'extensions', undefined, findings);
}

function foreignPipeline(type: string): string {
  return `the Collector's ${type} pipeline is not part of Finishline; run a Collector in front`;
}

function checkNames(
  tree: SettingsTree,
  path: Path,
  section: Section,
  needed: string | undefined,
  findings: Findings,
): void {
  const names = valueOf(tree, path);
  if (!Array.isArray(names)) return;
  const start = `${placeOf(tree, path)}: ${path.join('.')}`;
  const defined = new Set([...Object.keys(mapAt(tree, [section])), ...(needed === undefined ? [] : [needed])]);
  for (const name of names.map(String)) {
    if (defined.has(name)) continue;
    const meant = nearest(name, [...defined]);
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    findings.errors.push(`${start}: '${name}' is not defined under ${section}${hint}`);
  }
  if (needed !== undefined && !names.includes(needed)) {
    findings.errors.push(`${start}: '${needed}' is missing; every traces pipeline of Finishline has it`);
  }
}

function mapAt(tree: SettingsTree, path: Path): Readonly<Record<string, unknown>> {
  const value = valueOf(tree, path);
  return isSettingsMap(value) ? value : {};
}

function valueOf(tree: SettingsTree, path: Path): unknown {
  let value: unknown = tree.value;
  for (const key of path) value = isSettingsMap(value) ? value[key] : undefined;
  return value;
}
