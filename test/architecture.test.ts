/**
 * The rules that keep the tree readable: who may import whom, how large a file may be, what it must say of itself.
 * A rule is changed here, with its reason, or not at all.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Tracked and new files alike, so that a rule is broken before the commit, not after. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const sources = files.filter((file) => /^(schema|receiver|processor|exporter|service|bench)\/.*\.ts$/.test(file));
const typescript = files.filter((file) => file.endsWith('.ts'));

/** A stage is a folder with one door; it knows the schema and itself. */
const stages = ['receiver/otlp', 'processor', 'exporter/clickhouse'];

/** The folders of ours that a file may import from; undefined = all. */
function allowed(file: string): readonly string[] | undefined {
  if (file.startsWith('schema/')) return ['schema'];
  const stage = stages.find((folder) => file.startsWith(`${folder}/`));
  if (stage !== undefined) return ['schema', stage];
  return undefined;
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

function inside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

describe('imports', () => {
  test('are found', () => {
    expect(importsOf('service/main.ts')).toContain('../processor/processor.ts');
    expect(importsOf('service/cli/run-command.ts')).toContain('./sql.ts');
  });

  test('a stage imports the schema, itself and packages; the schema imports nothing of ours', () => {
    const wrong: string[] = [];
    for (const file of sources) {
      const folders = allowed(file);
      if (folders === undefined) continue;
      for (const specifier of importsOf(file).filter((each) => each.startsWith('.'))) {
        const target = normalize(`${dirname(file)}/${specifier}`);
        if (!folders.some((folder) => inside(target, folder))) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('every source belongs to a stage, the schema, the service or the benchmarks', () => {
    const known = [...stages, 'schema', 'service', 'bench'];
    expect(sources.filter((file) => !known.some((folder) => inside(file, folder)))).toEqual([]);
  });

  test('nobody imports the service but the service and the tests', () => {
    const wrong = sources
      .filter((file) => !file.startsWith('service/'))
      .filter((file) => importsOf(file).some((specifier) => /(^|\/)service\//.test(specifier)));
    expect(wrong).toEqual([]);
  });

  test('no test is imported by a source', () => {
    const wrong = sources.filter((file) => importsOf(file).some((specifier) => /(^|\/)test\//.test(specifier)));
    expect(wrong).toEqual([]);
  });

  test('of our own files carry their extension, so that Node runs them as they stand', () => {
    const wrong = typescript.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.') && !/\.(ts|json|mjs)$/.test(specifier))
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no two files import each other, however long the way', () => {
    expect(cycles(sources)).toEqual([]);
  });
});

describe('files', () => {
  test('start with a comment that says what the file owns', () => {
    const wrong = sources.filter((file) => {
      const text = readFileSync(file, 'utf8').replace(/^#!.*\n/, '');
      return !/^\/\*\*[\s\S]{20,}?\*\//.test(text);
    });
    expect(wrong).toEqual([]);
  });

  test('have at most 400 lines', () => {
    const long = sources.filter((file) => readFileSync(file, 'utf8').split('\n').length > 401);
    expect(long).toEqual([]);
  });

  test('are named after what they are: kebab-case whole words, nothing that has no name', () => {
    const wrong = sources.filter((file) => {
      const names = file.replace(/\.ts$/, '').split('/');
      return names.some(
        (name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|misc|types|index)$/.test(name),
      );
    });
    expect(wrong).toEqual([]);
  });

  test('have no default export and no enum, namespace or parameter property', () => {
    const wrong = sources.filter((file) => {
      const text = readFileSync(file, 'utf8');
      return /^export default |^\s*(?:export )?(?:const )?enum |^\s*(?:export )?namespace |constructor\([^)]*\b(?:private|public|protected) /m.test(
        text,
      );
    });
    expect(wrong).toEqual([]);
  });

  test('name no path of a developer’s machine', () => {
    const pattern = new RegExp(`(^|[^A-Za-z0-9_.])/(${['work', 'farm', 'root', 'home', 'Users'].join('|')})/`, 'm');
    const texts = files.filter((file) => !/\.(png|svg|ico|pb|bin|gz)$/.test(file));
    expect(texts.filter((file) => pattern.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  test('leave nothing unfinished and skip no test', () => {
    // The letters in brackets keep this file itself clean.
    const pattern = /\b(?:T[O]DO|F[I]XME|X[X]X)\b|\b(?:it|test|describe)\.(?:skip|only|todo)\(/;
    expect(typescript.filter((file) => pattern.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});

describe('documents', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
  const folders = '(?:schema|receiver|processor|exporter|service|bench|test|\\.ci)';

  test.each(documents)('%s names only files that are there', (document) => {
    const text = readFileSync(document, 'utf8');
    const named = [...text.matchAll(new RegExp(`\`(${folders}/[\\w./-]*)\``, 'g'))].map((match) => match[1]!);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });

  test('ARCHITECTURE.md shows every folder of the sources', () => {
    const text = readFileSync('ARCHITECTURE.md', 'utf8');
    const tree = text.slice(text.indexOf('## The tree'), text.indexOf('## Where to change'));
    const shown = new Set([...tree.matchAll(/([\w-]+)\//g)].map((match) => match[1]!));
    const folders = new Set(sources.map((file) => dirname(file).split('/').at(-1)!));
    expect([...folders].filter((folder) => !shown.has(folder))).toEqual([]);
  });

  test('package scripts that the documents name are there', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    const texts = documents.map((document) => readFileSync(document, 'utf8')).join('\n');
    const named = [...texts.matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe('tests', () => {
  test('stand where their source stands', () => {
    const mirrored = files.filter((file) => /^test\/(schema|receiver|processor|exporter|service|bench)\//.test(file));
    const lost = mirrored.filter((file) => !existsSync(dirname(file.replace(/^test\//, ''))));
    expect(lost).toEqual([]);
  });
});

/** Cycles over imports that exist at run time; `import type` leaves nothing behind. */
function cycles(among: readonly string[]): string[] {
  const edges = new Map(
    among.map((file) => {
      const text = readFileSync(file, 'utf8')
        .replace(/import\s+type\s[^;]*;/g, '')
        .replace(/export\s+type\s[^;]*from[^;]*;/g, '');
      const targets = [...text.matchAll(/from\s+['"](\.[^'"]+)['"]/g)].map((match) =>
        normalize(`${dirname(file)}/${match[1]}`),
      );
      return [file, targets] as const;
    }),
  );
  const found: string[] = [];
  const done = new Set<string>();
  function visit(file: string, path: readonly string[]): void {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  }
  for (const file of among) visit(file, []);
  return found;
}
