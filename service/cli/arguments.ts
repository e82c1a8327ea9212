/** The options that several commands share, read with node:util. Owns no meaning beyond `--config` and `--set`. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigurationError } from '../config/configuration-error.ts';
import { loadConfig } from '../config/load-config.ts';
import type { ServiceConfig } from '../config/service-config.ts';
import type { Environment } from '../config/environment.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

export interface ParsedArguments {
  readonly config: readonly string[];
  readonly set: readonly string[];
  /** The command's own options. */
  readonly text: (name: string) => string | undefined;
  readonly positionals: readonly string[];
}

/** @throws ConfigurationError for an option that the command does not have. */
export function readArguments(args: readonly string[], own: readonly string[] = [], positionals = 0): ParsedArguments {
  const options: Options = { config: { type: 'string', multiple: true }, set: { type: 'string', multiple: true } };
  for (const name of own) options[name] = { type: 'string' };
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: positionals > 0 });
    if (parsed.positionals.length > positionals)
      throw new TypeError(`unexpected argument '${parsed.positionals[positionals]}'`);
    const values: Readonly<Record<string, unknown>> = parsed.values;
    const list = (name: string) => (values[name] as readonly string[] | undefined) ?? [];
    const text = (name: string) => values[name] as string | undefined;
    return { config: list('config'), set: list('set'), text, positionals: parsed.positionals };
  } catch (error) {
    throw new ConfigurationError([(error as Error).message], { cause: error });
  }
}

export function configFrom(parsed: ParsedArguments, environment: Environment): ServiceConfig {
  return loadConfig({ files: parsed.config, settings: parsed.set, environment });
}
