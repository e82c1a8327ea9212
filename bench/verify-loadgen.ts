/**
 * Checks the service against the independent load generator (a Go program outside this repository): its requests are
 * recorded, shuffled, spread over all protocols and sent; then `runs` and `steps` must equal what was recorded row by
 * row, and the aggregates what the generator itself says (`--truth-out`).
 * Run: node bench/verify-loadgen.ts --generator PATH [--runs 20000] [--sql URL --otlp-grpc HOST:PORT --otlp-http HOST:PORT]
 * Without --sql it starts a service of its own over an empty directory. Exit code 1 on any difference.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { encodingOf, type Endpoints, isGzip, protocols } from './generator/protocol.ts';
import { Random } from './generator/random.ts';
import { sendAll } from './generator/send-all.ts';
import type { RunTruth } from './generator/truth.ts';
import { querySql, ServiceProcess } from './service-process.ts';
import { type GeneratorTruth, generatorDifferences } from './verify/generator-truth.ts';
import { OtlpDecoder } from './verify/otlp-decoder.ts';
import { recordedTruths } from './verify/recorded-truth.ts';
import { verifyService } from './verify/verify-service.ts';

const { values } = parseArgs({
  options: {
    generator: { type: 'string' },
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    sql: { type: 'string' },
    'otlp-grpc': { type: 'string', default: 'localhost:4317' },
    'otlp-http': { type: 'string', default: 'localhost:4318' },
  },
});
if (values.generator === undefined) throw new Error('--generator: expected the path of the load generator');
process.exitCode = await verify(values.generator, Number(values.runs), Number(values.seed));

interface Recording {
  readonly bodies: readonly Buffer[];
  /** How many of them, at the end, the generator held back on purpose. */
  readonly late: number;
  readonly truth: GeneratorTruth;
}

async function verify(generator: string, runs: number, seed: number): Promise<number> {
  const recording = await record(generator, runs, seed);
  const decoder = new OtlpDecoder();
  const truth = recordedTruths(recording.bodies.flatMap((body) => decoder.protobuf(body)));
  const consistent = generatorDifferences(recording.truth, truth);
  for (const difference of consistent) console.log(`RECORDING  ${difference}`);

  await using own = values.sql === undefined ? await ServiceProcess.start() : undefined;
  const endpoints = own?.otlp ?? { grpc: values['otlp-grpc'], http: values['otlp-http'] };
  await deliver(recording, endpoints, seed);
  const sqlUrl = own?.sql ?? values.sql!;
  const query = <T>(sql: string) => querySql<T>(sqlUrl, sql);
  const result = await verifyService(query, truth, { toleranceUs: 1, limitMs: 60_000 });
  for (const difference of result.differences) console.log(`DIFFERENT  ${difference}`);
  console.log(
    `${result.runs} runs and ${result.steps} steps compared row by row, ${result.healthRows} rows of process_health; ` +
      `worst rank error ${(result.worstRankError * 100).toFixed(3)} %; right after ${result.waitedMs} ms`,
  );
  return printAggregates(truth) && result.differences.length === 0 && consistent.length === 0 ? 0 : 1;
}

function printAggregates(truth: readonly RunTruth[]): boolean {
  const failed = truth.filter((run) => run.state === 'FAILED').length;
  console.log(`truth: ${truth.length} runs ended, ${failed} failed`);
  return truth.length > 0;
}

/** Runs the generator against a server that accepts everything and keeps the bytes. */
async function record(generator: string, runs: number, seed: number): Promise<Recording> {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const directory = await mkdtemp(join(tmpdir(), 'finishline-loadgen-'));
  const truthFile = join(directory, 'truth.json');
  const shape = {
    seed: String(seed),
    batch: '40',
    share: '0.5',
    spans: String(runs * 10),
    unfinished: '0.05',
    'no-root-error': 'true',
  };
  try {
    const times = await endingBeforeNow(generator, shape);
    const sending = { proto: 'http', addr: `127.0.0.1:${port}`, dup: '0.05', late: '0.05', 'late-delay': '100ms' };
    const stdout = await output(generator, { ...shape, ...times, ...sending, 'truth-out': truthFile });
    const result: { late_requests: number; spans_sent: number; dup_requests: number } = JSON.parse(stdout);
    console.log(`recorded ${bodies.length} requests, ${result.dup_requests} twice, ${result.late_requests} late`);
    return { bodies, late: result.late_requests, truth: JSON.parse(await readFile(truthFile, 'utf8')) };
  } finally {
    server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs end within the three hours before now; how many they are, after rounding, the generator itself says. */
async function endingBeforeNow(generator: string, shape: Options): Promise<Options> {
  const stretchSeconds = 3 * 3600;
  const dry: { runs: number } = JSON.parse(await output(generator, { ...shape, 'dry-run': 'true', 'truth-out': '-' }));
  return {
    t0: String(BigInt(Date.now() - stretchSeconds * 1000) * 1_000_000n),
    'run-rate': String(dry.runs / (stretchSeconds - 60)),
  };
}

type Options = Readonly<Record<string, string>>;

async function output(generator: string, options: Options): Promise<string> {
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  return (await promisify(execFile)(generator, args, { maxBuffer: 1 << 26 })).stdout;
}

/** Shuffled, each request over the next protocol; the late ones after a pause that is longer than a run settles. */
async function deliver({ bodies, late }: Recording, endpoints: Endpoints, seed: number): Promise<void> {
  const decoder = new OtlpDecoder();
  const random = new Random(seed);
  const requests = bodies.map((body, request) => ({ request, body, protocol: protocols[request % protocols.length]! }));
  const bodyMaker = () => (sending: (typeof requests)[number]) => {
    const body = encodingOf(sending.protocol) === 'json' ? decoder.protobufToJson(sending.body) : sending.body;
    return isGzip(sending.protocol) ? gzipSync(body) : body;
  };
  const options = { endpoints, connections: 4, tries: 20 };
  await sendAll(random.shuffled(requests.slice(0, requests.length - late)), bodyMaker, options);
  await pause(5000);
  await sendAll(random.shuffled(requests.slice(requests.length - late)), bodyMaker, options);
}
