/**
 * What the encoding of ledger rows costs, alone: `node bench/encode-bench.ts [runs]`.
 * The rows are those that the processor makes of the generated workload (one run row and four step rows a run, a tenth
 * failing); they are encoded batch by batch as they came, into blocks whose memory is used again, as in the service.
 * CPU time, the least of many rounds and their median; a round encodes every row once.
 */
import process from 'node:process';
import { encodeRun, encodeStep } from '../exporter/clickhouse/encode-rows.ts';
import { RowSink } from '../exporter/clickhouse/row-sink.ts';
import { defaultProcessorConfig } from '../processor/config.ts';
import { Machine } from '../processor/machine.ts';
import { defaultDialects } from '../schema/dialects/registry.ts';
import type { RowBatch } from '../schema/rows.ts';
import { silentTelemetry } from '../schema/telemetry.ts';
import { stepsPerRun } from './generator/processes.ts';
import { Templates } from './generator/templates.ts';
import { Workload } from './generator/workload.ts';

const SPANS_PER_RECORD = 512;
/** Slow enough that runs close in many batches, a hundred at a time. */
const SPANS_PER_SECOND = 2_000;
const MICROS = 1_000_000;
const ROUNDS = 40;
const WARM_ROUNDS = 5;
const BLOCK_BYTES = 8 * 1024 * 1024;
const writer = '3f1c9a52-7d84-4b0e-9c61-5a2e8d07b4f3';

/** Every batch in which runs closed, in the order of the processor. */
function ledgerBatches(runs: number): RowBatch[] {
  const spansPerRun = stepsPerRun + 1;
  const firstEndUs = Date.now() * 1000;
  const workload = new Workload({
    seed: 1,
    spans: runs * spansPerRun,
    spansPerRequest: SPANS_PER_RECORD,
    workflowPerMille: 1000,
    failing: 0.1,
    recovering: 0,
    unfinished: 0,
    noRootError: false,
    shuffle: false,
    firstEndUs,
    runsPerSecond: SPANS_PER_SECOND / spansPerRun,
  });
  const templates = new Templates(workload, 'protobuf');
  const room = Buffer.alloc(templates.maxBytes());
  const machine = new Machine(defaultProcessorConfig, defaultDialects, silentTelemetry);
  const batches: RowBatch[] = [];
  let at = firstEndUs;
  for (let request = 0; request < workload.requests; request++) {
    at = firstEndUs + Math.floor((request * SPANS_PER_RECORD * MICROS) / SPANS_PER_SECOND);
    const tracesData = room.subarray(0, templates.write(request, room));
    batches.push(machine.apply({ kind: 'spans', at, tracesData }));
  }
  batches.push(machine.apply({ kind: 'tick', at: at + 2 * defaultProcessorConfig.settle }));
  return batches.filter((batch) => batch.runs.length > 0);
}

/** A block that is taken when it is full; its memory is used again. Returns the bytes taken. */
function takeFull(sink: RowSink): number {
  if (sink.length < BLOCK_BYTES) return 0;
  const block = sink.take();
  sink.recycle(block);
  return block.length;
}

const batches = ledgerBatches(Number(process.argv[2] ?? 4_000));
const count = (rows: (batch: RowBatch) => readonly unknown[]): number =>
  batches.reduce((sum, batch) => sum + rows(batch).length, 0);
const runs = count((batch) => batch.runs);
const steps = count((batch) => batch.steps);
const runSink = new RowSink();
const stepSink = new RowSink();
const figures: number[] = [];
let bytes = 0;
for (let round = 0; round < ROUNDS; round++) {
  const before = process.cpuUsage();
  for (const batch of batches) {
    for (const row of batch.runs) encodeRun(runSink, row, writer);
    bytes += takeFull(runSink);
    for (const row of batch.steps) encodeStep(stepSink, row, writer);
    bytes += takeFull(stepSink);
  }
  const { user, system } = process.cpuUsage(before);
  if (round >= WARM_ROUNDS) figures.push(((user + system) * 1000) / runs);
}
figures.sort((a, b) => a - b);
const median = figures[figures.length >> 1]!;
bytes += runSink.length + stepSink.length;
console.log(
  `${figures[0]!.toFixed(0)} ns per run and its ${steps / runs} steps (median ${median.toFixed(0)}), ` +
    `${Math.round(bytes / ROUNDS / runs)} bytes; ${runs} runs`,
);
