/**
 * What the processor costs per workflow span, alone: records in, rows out, no sockets, no ClickHouse.
 * `node --min-semi-space-size=64 --max-semi-space-size=128 --expose-gc bench/processor-bench.ts [spans]`
 * Prints CPU per span of the whole process (collector threads included), of the interpreter alone, and what the heap
 * and the rest of memory hold at the end. Journal time passes at 100,000 spans a second.
 */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defaultProcessorConfig } from '../processor/config.ts';
import { Interpreter } from '../processor/interpret/interpreter.ts';
import { Machine } from '../processor/machine.ts';
import { defaultDialects } from '../schema/dialects/registry.ts';
import { silentTelemetry } from '../schema/telemetry.ts';
import { Templates } from './generator/templates.ts';
import { Workload } from './generator/workload.ts';

const SPANS_PER_RECORD = 512;
const SPANS_PER_SECOND = 100_000;
const MICROS = 1_000_000;

const spans = Number(process.argv[2] ?? 1_000_000);
const startUs = Date.now() * 1000;
const workload = new Workload({
  seed: 1,
  spans,
  spansPerRequest: SPANS_PER_RECORD,
  workflowPerMille: 1000,
  failing: 0.1,
  recovering: 0,
  unfinished: 0,
  noRootError: false,
  shuffle: false,
  firstEndUs: startUs,
  runsPerSecond: SPANS_PER_SECOND / 5,
});
const templates = new Templates(workload, 'protobuf');
const room = Buffer.alloc(templates.maxBytes());

/** Feeds every record; returns CPU ns per span. */
function measure(feed: (tracesData: Buffer, at: number) => void): number {
  const cpu = process.cpuUsage();
  for (let request = 0; request < workload.requests; request++) {
    const at = startUs + Math.floor((request * SPANS_PER_RECORD * MICROS) / SPANS_PER_SECOND);
    feed(room.subarray(0, templates.write(request, room)), at);
  }
  const { user, system } = process.cpuUsage(cpu);
  return ((user + system) * 1000) / workload.spans;
}

const generator = measure(() => {});
const interpreter = new Interpreter(defaultDialects);
const interpreted = measure((tracesData, at) => interpreter.events(tracesData, at, () => {}));
const machine = new Machine(defaultProcessorConfig, defaultDialects, silentTelemetry);
let rows = 0;
const processed = measure((tracesData, at) => {
  const batch = machine.apply({ kind: 'spans', at, tracesData });
  rows += batch.runs.length + batch.steps.length;
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
collect();
const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
const mib = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;
console.log(`${workload.spans} spans, ${rows} ledger rows`);
console.log(
  `interpreter ${Math.round(interpreted - generator)} ns/span, processor ${Math.round(processed - generator)} ns/span`,
);
console.log(`held at the end: heap ${mib(heapUsed)}, buffers ${mib(arrayBuffers)}, resident ${mib(rss)}`);
