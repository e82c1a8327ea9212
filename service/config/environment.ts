/**
 * `${env:NAME}` and `${env:NAME:-default}` in settings, as the Collector expands them; `$$` is a dollar sign.
 * Owns the expansion of texts; a name that is not set expands to nothing, with a note.
 */
import { ConfigurationError } from './configuration-error.ts';
import { isSettingsMap, placeOf, type Path, type SettingsMap, type SettingsTree } from './settings-tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$\$|\$\{([^}]*)\}/g;

/** @throws ConfigurationError for a reference that is neither of the two forms. */
export function expandEnvironment(
  tree: SettingsTree,
  environment: Environment,
  note: (text: string) => void,
): SettingsTree {
  const errors: string[] = [];

  function expandText(text: string, path: Path): string {
    return text.replace(reference, (whole, inner: string | undefined) => {
      if (inner === undefined) return '$';
      const match = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner);
      if (match === null) {
        errors.push(
          `${placeOf(tree, path)}: ${path.join('.')}: got ${whole}, expected \${env:NAME} or \${env:NAME:-default}`,
        );
        return '';
      }
      const value = environment[match[1]!];
      // As in a shell, `:-` also replaces an empty value.
      if (match[2] !== undefined && (value === undefined || value === '')) return match[2];
      if (value === undefined)
        note(`${placeOf(tree, path)}: ${path.join('.')}: ${match[1]} is not set in the environment, using nothing`);
      return value ?? '';
    });
  }

  function expand(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return expandText(value, path);
    if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index]));
    if (!isSettingsMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, [...path, key])]));
  }

  const value = expand(tree.value, []) as SettingsMap;
  if (errors.length > 0) throw new ConfigurationError(errors);
  return { value, places: tree.places };
}
