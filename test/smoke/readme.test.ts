/**
 * Every command, snippet and file name of README.md does what the text says.
 * A line in a shell block that no check below takes up makes the test fail, so that nothing untested is promised.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../service/config/load-config.ts';
import { repository } from '../../bench/started-service.ts';
import { parseDockerfile } from './dockerfile.ts';
import { run, RunningService } from './running-service.ts';

interface Block {
  readonly language: string;
  readonly text: string;
}

const readme = readFileSync(join(repository, 'README.md'), 'utf8');
const blocks: readonly Block[] = [...readme.matchAll(/^```([a-z ]+)\n([\s\S]*?)^```$/gm)].map((match) => ({
  language: match[1]!,
  text: match[2]!,
}));

function blocksOf(language: string): string[] {
  return blocks.filter((block) => block.language === language).map(({ text }) => text);
}

/** The commands of all shell blocks: a line, with those that continue it inside quotes. */
const commands = blocksOf('sh').flatMap((text) =>
  text
    .trimEnd()
    .split(/\n(?=\S)/)
    .map((command) => command.trim()),
);

let service: RunningService;
const scratch = join(repository, 'node_modules', '.finishline-readme');

beforeAll(async () => {
  mkdirSync(scratch, { recursive: true });
  service = new RunningService([], { command: ['npm', 'start', '--silent', '--'], cwd: repository });
  await service.ready();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

/** The documented addresses as those of the running service. */
function here(text: string): string {
  return text
    .replaceAll('localhost:4318', service.http.replace('http://', ''))
    .replaceAll('localhost:8123', service.sql.replace('http://', ''))
    .replaceAll('localhost:8090', service.admin.replace('http://', ''))
    .replace('finishline -- sql ', `finishline -- sql --url ${service.sql} `);
}

async function shell(command: string): Promise<string> {
  const finished = await run(['sh', '-c', here(command)]);
  expect(finished).toMatchObject({ code: 0 });
  return finished.out;
}

/** What starts a command, and how it is checked. */
const checks: readonly (readonly [start: string, check: (command: string) => Promise<void>])[] = [
  [
    // The gate itself begins with `npm ci`; the service of these tests was started by `npm start`.
    'npm ci && npm start',
    async () => expect(readFileSync(join(repository, '.ci/run'), 'utf8')).toContain('npm ci\n'),
  ],
  [
    'export OTEL_EXPORTER_OTLP_ENDPOINT=',
    async (command) => {
      const script = `import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
        import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
        const exporter = new OTLPTraceExporter();
        const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
        provider.getTracer('t').startSpan('by environment', { attributes: { op: 'workflow' } }).end();
        await provider.shutdown();`;
      writeFileSync(join(scratch, 'by-environment.mjs'), script);
      await shell(`${command}; node ${join(scratch, 'by-environment.mjs')}`);
      await runs('by environment', 1);
    },
  ],
  [
    'curl localhost:4318/v1/traces',
    async (command) => {
      expect(JSON.parse(await shell(command))).toEqual({ partialSuccess: {} });
      await runs('checkout', 1);
    },
  ],
  [
    "curl localhost:8123 -d 'SELECT * FROM process_health FORMAT Vertical'",
    async (command) => expect(await shell(command)).toMatch(/^window: +5m$/m),
  ],
  [
    'npm run finishline -- sql "SELECT process, window',
    async (command) => expect(await shell(command)).toMatch(/│ checkout +│ 5m +│/),
  ],
  [
    'npm run demo',
    async (command) => {
      const doors = [
        `receivers.otlp.protocols.http.endpoint=${service.http.replace('http://', '')}`,
        `exporters.clickhouse.listen=${service.sql.replace('http://', '')}`,
        `service.admin.endpoint=${service.admin.replace('http://', '')}`,
      ];
      const out = await shell(`${command} -- ${doors.map((door) => `--set ${door}`).join(' ')}`);
      expect(out).toContain('Using the running service.');
      expect(out).toMatch(/^EQUAL /m);
    },
  ],
  [
    'npm start -- --config finishline.yaml --set exporters.clickhouse.listen=localhost:18123',
    async (command) => {
      const file = join(scratch, 'finishline.yaml');
      writeFileSync(file, blocksOf('yaml finishline')[0]!);
      const words = command.replace('finishline.yaml', file).split(' ');
      const start = words.indexOf('--');
      // The documented arguments, then free ports after them, which win.
      await using configured = new RunningService([], {
        command: [...words.slice(0, start), '--silent', ...words.slice(start)],
        cwd: repository,
      });
      await configured.ready();
      expect(await configured.stop()).toEqual({ code: 0, signal: null });
    },
  ],
  [
    'npm run finishline -- validate --config finishline.yaml',
    async (command) => {
      const file = join(scratch, 'finishline.yaml');
      writeFileSync(file, blocksOf('yaml finishline')[0]!);
      expect(await shell(command.replace('finishline.yaml', file))).toMatch(/^OK$/m);
    },
  ],
  [
    'curl localhost:8090/ready',
    async (command) => expect(await shell(command)).toBe('{"status":"ready","reasons":[]}'),
  ],
  [
    'curl localhost:8090/metrics',
    async (command) => expect(await shell(command)).toContain('# TYPE finishline_runs_total'),
  ],
  // Docker is not part of the gate; image.test.ts does the Dockerfile's steps. Here: do ports and paths agree with it?
  ['docker build -t finishline .', async () => expect(existsSync(join(repository, 'Dockerfile'))).toBe(true)],
  [
    'docker run ',
    async (command) => {
      const steps = parseDockerfile(readFileSync(join(repository, 'Dockerfile'), 'utf8'));
      const textOf = (name: string) => steps.findLast((step) => step.name === name)!.text;
      const published = [...command.matchAll(/-p (?:127\.0\.0\.1:)?(\d+):\1/g)].map((match) => match[1]);
      expect(published).toEqual(textOf('EXPOSE').split(' '));
      expect(command).toContain(`-v finishline:${textOf('VOLUME')} `);
    },
  ],
  [
    'docker exec finishline node service/main.ts sql ',
    async (command) => {
      const inside = command.replace('docker exec finishline ', '').replace(' sql ', ` sql --url ${service.sql} `);
      expect(await shell(inside)).toContain('checkout');
    },
  ],
];

async function runs(process: string, count: number): Promise<void> {
  const query = `SELECT count() FROM runs WHERE process = '${process}' AND state = 'SUCCEEDED'`;
  const found = async () => (Number(await service.query(query)) === count ? true : undefined);
  await service.until(found, `to have ${count} run of ${process}`);
}

describe('commands', () => {
  test('are all checked, and every check has its command', () => {
    expect(commands.filter((command) => !checks.some(([start]) => command.startsWith(start)))).toEqual([]);
    expect(checks.filter(([start]) => !commands.some((command) => command.startsWith(start)))).toEqual([]);
  });

  for (const command of commands) {
    test(command.split('\n', 1)[0]!, async () => {
      const check = checks.find(([start]) => command.startsWith(start));
      await check?.[1](command);
    });
  }
});

describe('snippets', () => {
  test('a second exporter in an application: both get the spans', async () => {
    const received: number[] = [];
    const backend: Server = createServer((incoming, answer) => {
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => (bytes += chunk.length));
      incoming.on('end', () => {
        received.push(bytes);
        answer.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
    await new Promise<void>((done) => void backend.listen(0, '127.0.0.1', done));
    const { port } = backend.address() as AddressInfo;
    const file = join(scratch, 'send-to-both.mjs');
    writeFileSync(file, here(blocksOf('js')[0]!).replaceAll("'checkout'", "'sent-to-both'"));
    const finished = await run([process.execPath, file], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    });
    await new Promise((done) => void backend.close(done));
    expect(finished).toEqual({ code: 0, out: '', err: '' });
    expect(received).toEqual([expect.any(Number)]);
    await runs('sent-to-both', 1);
    const step = `SELECT step FROM steps WHERE process = 'sent-to-both'`;
    expect((await service.query(step)).trim()).toBe('charge-card');
  });

  test('a second exporter in a Collector sends to where we listen', () => {
    const config = parse(blocksOf('yaml collector')[0]!) as {
      exporters: Record<string, { endpoint: string }>;
      service: { pipelines: { traces: { exporters: string[] } } };
    };
    expect(config.service.pipelines.traces.exporters).toContain('otlphttp/finishline');
    const listening = loadConfig({ files: [], settings: [], environment: {} }).receiver.http?.endpoint;
    expect(config.exporters['otlphttp/finishline']?.endpoint).toBe(`http://${listening}`);
  });

  test('the configuration is what runs without one', () => {
    const file = join(scratch, 'documented.yaml');
    writeFileSync(file, blocksOf('yaml finishline')[0]!);
    const none = loadConfig({ files: [], settings: [], environment: {} });
    expect(loadConfig({ files: [file], settings: [], environment: {} })).toEqual(none);
  });

  test('the five lines are those that are printed', () => {
    const withoutPorts = (text: string) => text.replaceAll(/:\d+/g, ':0').replace(/data {3}.*/, 'data');
    expect(withoutPorts(blocksOf('text')[0]!)).toBe(withoutPorts(service.out));
  });

  test('no block is of another kind', () => {
    const known = new Set(['sh', 'js', 'yaml finishline', 'yaml collector', 'text']);
    expect(blocks.filter(({ language }) => !known.has(language))).toEqual([]);
    expect(readme.split('```').length - 1).toBe(blocks.length * 2);
  });
});

describe('names', () => {
  test('views and columns are there', async () => {
    const text = readme.slice(readme.indexOf('## Ask'), readme.indexOf('## Demo'));
    const views = [...text.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]!).filter((name) => name !== 'settle');
    const query = `SELECT name FROM system.columns WHERE database = 'finishline' UNION DISTINCT SELECT name FROM system.tables WHERE database = 'finishline'`;
    const known = new Set((await service.query(query)).split('\n'));
    expect(views.length).toBeGreaterThan(8);
    expect(views.filter((name) => !known.has(name) && name !== 'op')).toEqual([]);
  });

  test('"Built on" names every runtime dependency, and the file uses it', () => {
    const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const rows = [...readme.matchAll(/^\| `([^|]+)` \| [^|]+ \| `([^`]+)` \|$/gm)].map(
      (match) => [match[1]!, match[2]!] as const,
    );
    const used = new Map(rows);
    for (const dependency of Object.keys(manifest.dependencies)) {
      expect(used.has(dependency), `${dependency} is missing`).toBe(true);
      expect(readFileSync(join(repository, used.get(dependency)!), 'utf8')).toMatch(
        new RegExp(`from '${dependency}[/']`),
      );
    }
    expect(readFileSync(join(repository, used.get('@chdb/lib-*')!), 'utf8')).toContain('@chdb/lib-');
  });

  test('links lead somewhere', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(join(repository, link)))).toEqual([]);
  });
});
