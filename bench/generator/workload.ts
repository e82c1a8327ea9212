/**
 * The workload as numbers: which span of which run stands where, with which ids and times.
 * A pure function of its options; nothing is serialised or sent here, and nothing of the service is imported.
 *
 * Logical spans are numbered; a fixed share of them are workflow spans. Runs come in groups of 64 interleaved runs:
 * first step 1 of all, then step 2 of all, the roots last, so a run is spread over several requests. The pattern
 * repeats after a cycle of requests, so that templates of one cycle serve any number of spans.
 */
import { type GeneratedProcess, processes, stepStarts, stepsPerRun } from './processes.ts';
import { mix32, Random } from './random.ts';

export interface WorkloadOptions {
  readonly seed: number;
  /** Wished number of spans; rounded up to whole cycles. */
  readonly spans: number;
  readonly spansPerRequest: number;
  /** Share of workflow spans, in thousandths. */
  readonly workflowPerMille: number;
  /** Shares of runs: failing for good, recovering from one failed attempt, never ending. */
  readonly failing: number;
  readonly recovering: number;
  readonly unfinished: number;
  /** The root of a failed run stays UNSET: OpenTelemetry does not hand a step's status up. */
  readonly noRootError: boolean;
  /** Spans inside a request and requests among each other are sent in random order. */
  readonly shuffle: boolean;
  /** End of the first run, µs since the epoch; run n ends (had it not failed) n / runsPerSecond later. */
  readonly firstEndUs: number;
  readonly runsPerSecond: number;
}

/** A number 0..3: that step; `again`: the second attempt of a recovering step; `plain`: no workflow span at all. */
export type Role = number | 'again' | 'root' | 'plain';

export interface RunShape {
  readonly process: GeneratedProcess;
  /** Step that fails for good, else -1. */
  readonly failingStep: number;
  /** Step whose first attempt fails and whose second succeeds, else -1. */
  readonly recoveringStep: number;
  readonly unfinished: boolean;
}

/** A workload whose runs end evenly spread between two points in time: never in the future, where ends are clamped. */
export function workloadEndingBetween(
  fromUs: number,
  untilUs: number,
  options: Omit<WorkloadOptions, 'firstEndUs' | 'runsPerSecond'>,
): Workload {
  // The number of runs is known only after rounding up to whole cycles.
  const { runs } = new Workload({ ...options, firstEndUs: fromUs, runsPerSecond: 1 });
  const runsPerSecond = (Math.max(1, runs) * 1e6) / (untilUs - fromUs);
  return new Workload({ ...options, firstEndUs: fromUs, runsPerSecond });
}

export interface Slot {
  readonly role: Role;
  /** Run within the cycle; for a plain span its number within the cycle. */
  readonly index: number;
}

export interface Times {
  readonly startUs: number;
  readonly endUs: number;
}

const groupRuns = 64;
const minRunsPerCycle = 320;
export const plainSpansPerTrace = 8;

export class Workload {
  readonly options: WorkloadOptions;
  readonly requestsPerCycle: number;
  readonly runsPerCycle: number;
  readonly requests: number;
  readonly spans: number;
  readonly runs: number;
  readonly shapes: readonly RunShape[];
  readonly #slotsPerRun: number;
  readonly #normals: Float64Array;

  constructor(options: WorkloadOptions) {
    this.options = options;
    const { spansPerRequest, workflowPerMille } = options;
    this.#slotsPerRun = stepsPerRun + (options.recovering > 0 ? 2 : 1);
    const cycleSpans = spansPerCycle(spansPerRequest, workflowPerMille, this.#slotsPerRun);
    this.requestsPerCycle = cycleSpans / spansPerRequest;
    this.runsPerCycle = (cycleSpans * workflowPerMille) / 1000 / this.#slotsPerRun;
    const cycles = Math.ceil(options.spans / cycleSpans);
    this.requests = cycles * this.requestsPerCycle;
    this.spans = cycles * cycleSpans;
    this.runs = cycles * this.runsPerCycle;
    const random = new Random(options.seed);
    this.#normals = Float64Array.from({ length: 1 << 16 }, () => random.normal());
    this.shapes = runShapes(this.runsPerCycle, options, random);
  }

  /** What stands at a place of a request of the cycle; a step that its run never reached leaves a plain span. */
  slotAt(requestInCycle: number, place: number): Slot {
    const { spansPerRequest, workflowPerMille } = this.options;
    const index = requestInCycle * spansPerRequest + place;
    const workflowsBefore = Math.floor((index * workflowPerMille) / 1000);
    const plain: Slot = { role: 'plain', index };
    if (Math.floor(((index + 1) * workflowPerMille) / 1000) === workflowsBefore) return plain;
    const inGroup = workflowsBefore % (groupRuns * this.#slotsPerRun);
    const group = (workflowsBefore - inGroup) / (groupRuns * this.#slotsPerRun);
    const run = group * groupRuns + (inGroup % groupRuns);
    const role = this.#roleAt(Math.floor(inGroup / groupRuns));
    return exists(this.shapes[run]!, role) ? { role, index: run } : plain;
  }

  /** The four words of a run's trace id. Run numbers count through all cycles. */
  traceWord(run: number, word: number): number {
    return mix32(mix32(run ^ mix32(this.options.seed)) ^ Math.imul(word, 0x9e3779b1));
  }

  /** The two words of the id of a run's span. */
  spanWord(run: number, role: Exclude<Role, 'plain'>, word: number): number {
    const code = role === 'root' ? 7 : role === 'again' ? 6 : role;
    const first = mix32((run * 8 + code) ^ mix32(this.options.seed + 1));
    return word === 0 ? first : mix32(first ^ 0x51ed270b);
  }

  runTimes(run: number): Times {
    const shape = this.shapes[run % this.runsPerCycle]!;
    const { startUs, fullUs } = this.#plan(run, shape);
    // A run that fails ends with its failing step.
    const share = shape.failingStep < 0 ? 1 : stepStarts[shape.failingStep + 1]!;
    return { startUs, endUs: startUs + Math.floor(fullUs * share) };
  }

  /** Times of one span; the two attempts of a recovering step share the step's time, with a pause in between. */
  spanTimes(run: number, role: Exclude<Role, 'plain'>): Times {
    if (role === 'root') return this.runTimes(run);
    const shape = this.shapes[run % this.runsPerCycle]!;
    const { startUs, fullUs } = this.#plan(run, shape);
    const step = role === 'again' ? shape.recoveringStep : role;
    const from = startUs + Math.floor(fullUs * stepStarts[step]!);
    const until = startUs + Math.floor(fullUs * stepStarts[step + 1]!);
    const third = Math.floor((until - from) / 3);
    if (role === 'again') return { startUs: until - third, endUs: until };
    return { startUs: from, endUs: step === shape.recoveringStep ? from + third : until };
  }

  #plan(run: number, shape: RunShape): { startUs: number; fullUs: number } {
    const { medianMs, sigma } = shape.process;
    const normal = this.#normals[mix32(run ^ mix32(this.options.seed + 2)) & 0xffff]!;
    const fullUs = Math.floor(medianMs * Math.exp(sigma * normal) * 1000);
    return { startUs: this.options.firstEndUs + Math.floor((run * 1e6) / this.options.runsPerSecond) - fullUs, fullUs };
  }

  #roleAt(turn: number): Exclude<Role, 'plain'> {
    if (turn === this.#slotsPerRun - 1) return 'root';
    return turn < stepsPerRun ? turn : 'again';
  }
}

function exists(shape: RunShape, role: Role): boolean {
  if (role === 'again') return shape.recoveringStep >= 0;
  if (role === 'root') return !shape.unfinished;
  if (role === 'plain') return true;
  if (shape.unfinished) return role < 2;
  return shape.failingStep < 0 || role <= shape.failingStep;
}

/** The smallest number of spans with whole requests and whole groups of runs. */
function spansPerCycle(spansPerRequest: number, workflowPerMille: number, slotsPerRun: number): number {
  if (workflowPerMille === 0) return spansPerRequest * Math.max(1, Math.ceil(16_384 / spansPerRequest));
  for (let groups = minRunsPerCycle / groupRuns; ; groups++) {
    const spans = (groups * groupRuns * slotsPerRun * 1000) / workflowPerMille;
    if (Number.isInteger(spans) && spans % spansPerRequest === 0) return spans;
    if (groups > 1e5)
      throw new Error(`no cycle of requests for ${spansPerRequest} spans and ${workflowPerMille} per mille`);
  }
}

function runShapes(count: number, options: WorkloadOptions, random: Random): RunShape[] {
  const order = random.shuffled(Array.from({ length: count }, (_, run) => run));
  const failing = Math.round(options.failing * count);
  const recovering = failing + Math.round(options.recovering * count);
  const unfinished = recovering + Math.round(options.unfinished * count);
  const shapes: RunShape[] = [];
  order.forEach((run, turn) => {
    const process = processes[run % processes.length]!;
    const step = random.next() < 0.7 ? process.weakStep : random.below(stepsPerRun);
    shapes[run] = {
      process,
      failingStep: turn < failing ? step : -1,
      recoveringStep: turn >= failing && turn < recovering ? step : -1,
      unfinished: turn >= recovering && turn < unfinished,
    };
  });
  return shapes;
}
