/**
 * From files, `--set` and the environment to the checked configuration of every stage.
 * Owns the order of the steps; each step has its own file. Reads files, starts nothing.
 */
import { readFileSync } from 'node:fs';
import { ConfigurationError } from './configuration-error.ts';
import { defaultDocument, documentSchema } from './document.ts';
import { expandEnvironment, type Environment } from './environment.ts';
import { explainIssue } from './explain.ts';
import { checkComponents, checkPipelines, type Findings } from './pipelines.ts';
import { serviceConfig, type ServiceConfig } from './service-config.ts';
import {
  isSettingsMap,
  mergeTrees,
  parseSetting,
  parseSettingsFile,
  type SettingsMap,
  type SettingsTree,
} from './settings-tree.ts';

export interface ConfigSources {
  /** YAML files, later ones win. */
  readonly files: readonly string[];
  /** `a.b.c=value`, after the files, later ones win. */
  readonly settings: readonly string[];
  readonly environment: Environment;
}

/** @throws ConfigurationError with one line for every mistake. */
export function loadConfig(sources: ConfigSources): ServiceConfig {
  const findings: Findings = { errors: [], notes: [] };
  const files = sources.files.map((file) => parseSettingsFile(file, readSettingsFile(file)));
  const settings = sources.settings.map(parseSetting);
  const written = [...files, ...settings].reduce(mergeTrees, { value: {}, places: new Map() });
  const expanded = expandEnvironment(written, sources.environment, (note) => findings.notes.push(note));
  checkComponents(expanded, findings);
  checkPipelines(expanded, findings);

  const parsed = documentSchema.safeParse(withDefaults(expanded, files).value);
  const issues = parsed.success ? [] : parsed.error.issues;
  const errors = [...findings.errors, ...issues.flatMap((issue) => explainIssue(issue, documentSchema, expanded))];
  if (!parsed.success || errors.length > 0) throw new ConfigurationError(errors);
  return serviceConfig(parsed.data, sources.environment, findings.notes);
}

/** Both protocols listen unless a file names its own; a file that names one of them has that one only, as in the Collector. */
function withDefaults(written: SettingsTree, files: readonly SettingsTree[]): SettingsTree {
  const listed = files.some(({ value }) => isSettingsMap(at(value, ['receivers', 'otlp', 'protocols'])));
  const defaults: SettingsMap = listed ? {} : structuredClone(defaultDocument);
  return mergeTrees({ value: defaults, places: new Map() }, written);
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((current, key) => (isSettingsMap(current) ? current[key] : undefined), value);
}

function readSettingsFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(
      [`--config ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}, expected a readable YAML file`],
      {
        cause: error,
      },
    );
  }
}
