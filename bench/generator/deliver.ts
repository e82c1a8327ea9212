/**
 * Sends a workload: which request over which protocol, in which order, how often.
 * Owns nothing of the bytes (templates.ts) or the wire (send-all.ts and the connections).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { encodingOf, isGzip, type Protocol } from './protocol.ts';
import { mix32, Random } from './random.ts';
import { type Request, sendAll, type SendOptions } from './send-all.ts';
import { type Encoding, Templates } from './templates.ts';
import type { Workload } from './workload.ts';

export interface DeliveryOptions extends SendOptions {
  /** Request n goes over protocol n mod length: a run that is split over requests is split over protocols. */
  readonly protocols: readonly Protocol[];
  /** Shares of requests sent twice (the second time over the next protocol), and held back to the end. */
  readonly duplicates: number;
  readonly late: number;
  /** How long after the others the late ones are sent. */
  readonly lateDelayMs: number;
}

export interface DeliveryResult {
  /** Spans in acknowledged requests, duplicates not counted. */
  readonly spans: number;
  readonly requests: number;
  readonly duplicates: number;
  readonly lateRequests: number;
  readonly bytes: number;
  readonly seconds: number;
}

interface Sending extends Request {
  readonly duplicate: boolean;
}

/** Everything that can be made before the clock starts: templates, and the bodies of compressed requests. */
export class Delivery {
  readonly #workload: Workload;
  readonly #options: DeliveryOptions;
  readonly #templates = new Map<Encoding, Templates>();
  readonly #compressed = new Map<string, Buffer>();
  readonly #onTime: readonly Sending[];
  readonly #late: readonly Sending[];

  constructor(workload: Workload, options: DeliveryOptions) {
    this.#workload = workload;
    this.#options = options;
    for (const protocol of options.protocols) {
      const encoding = encodingOf(protocol);
      if (!this.#templates.has(encoding)) this.#templates.set(encoding, new Templates(workload, encoding));
    }
    const { onTime, late } = schedule(workload, options);
    this.#onTime = onTime;
    this.#late = late;
    for (const sending of [...onTime, ...late]) this.#compress(sending);
  }

  /** Sends everything; rejects when a request stays refused after the allowed tries. */
  async run(): Promise<DeliveryResult> {
    const started = performance.now();
    let bytes = await this.#send(this.#onTime);
    let pausedMs = 0;
    if (this.#late.length > 0) {
      await pause(this.#options.lateDelayMs);
      pausedMs = this.#options.lateDelayMs;
      bytes += await this.#send(this.#late);
    }
    const all = [...this.#onTime, ...this.#late];
    const originals = all.filter((sending) => !sending.duplicate).length;
    return {
      spans: originals * this.#workload.options.spansPerRequest,
      requests: originals,
      duplicates: all.length - originals,
      lateRequests: this.#late.length,
      bytes,
      seconds: (performance.now() - started - pausedMs) / 1000,
    };
  }

  #send(sendings: readonly Sending[]): Promise<number> {
    const longest = Math.max(...[...this.#templates.values()].map((templates) => templates.maxBytes()));
    return sendAll(
      sendings,
      () => {
        const room = Buffer.alloc(longest);
        return (sending) => this.#body(sending, room);
      },
      this.#options,
    );
  }

  #body({ request, protocol }: Sending, room: Buffer): Buffer {
    const ready = this.#compressed.get(compressedKey(request, protocol));
    if (ready !== undefined) return ready;
    return room.subarray(0, this.#templates.get(encodingOf(protocol))!.write(request, room));
  }

  #compress({ request, protocol }: Sending): void {
    const key = compressedKey(request, protocol);
    if (!isGzip(protocol) || this.#compressed.has(key)) return;
    const templates = this.#templates.get(encodingOf(protocol))!;
    const room = Buffer.alloc(templates.maxBytes());
    this.#compressed.set(key, gzipSync(room.subarray(0, templates.write(request, room))));
  }
}

function compressedKey(request: number, protocol: Protocol): string {
  return `${encodingOf(protocol)} ${request} ${isGzip(protocol)}`;
}

function schedule(workload: Workload, options: DeliveryOptions): { onTime: Sending[]; late: Sending[] } {
  const { seed, shuffle } = workload.options;
  const count = options.protocols.length;
  const all: Sending[] = [];
  for (let request = 0; request < workload.requests; request++) {
    all.push({ request, protocol: options.protocols[request % count]!, duplicate: false });
    if (chance(request, seed + 5) >= options.duplicates) continue;
    all.push({ request, protocol: options.protocols[(request + 1) % count]!, duplicate: true });
  }
  const ordered = shuffle ? new Random(seed + 6).shuffled(all) : all;
  const isLate = (sending: Sending) => chance(sending.request, seed + 7) < options.late;
  return { onTime: ordered.filter((sending) => !isLate(sending)), late: ordered.filter(isLate) };
}

function chance(request: number, seed: number): number {
  return mix32(request ^ mix32(seed)) / 4_294_967_296;
}
