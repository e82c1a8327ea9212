/**
 * Sends a workload: which request over which protocol, in which order, how often, on how many connections.
 * Bounded: one request in flight per connection. Owns nothing of the bytes (templates.ts) or the wire (*-connection.ts).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { GrpcConnection } from './grpc-connection.ts';
import { HttpConnection } from './http-connection.ts';
import { type Connection, encodingOf, type Endpoints, isGrpc, isGzip, type Protocol } from './protocol.ts';
import { mix32, Random } from './random.ts';
import { type Encoding, Templates } from './templates.ts';
import type { Workload } from './workload.ts';

export interface DeliveryOptions {
  readonly endpoints: Endpoints;
  /** Request n goes over protocol n mod length: a run that is split over requests is split over protocols. */
  readonly protocols: readonly Protocol[];
  readonly connections: number;
  /** Shares of requests sent twice (the second time over the next protocol), and held back to the end. */
  readonly duplicates: number;
  readonly late: number;
  /** How long after the others the late ones are sent. */
  readonly lateDelayMs: number;
  /** Tries of a refused request before the delivery fails; 1 = no second try. */
  readonly tries: number;
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

interface Sending {
  readonly request: number;
  readonly protocol: Protocol;
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

  async #send(sendings: readonly Sending[]): Promise<number> {
    let next = 0;
    let bytes = 0;
    const sender = async () => {
      using connections = new Connections(this.#options.endpoints);
      const room = Buffer.alloc(Math.max(...[...this.#templates.values()].map((templates) => templates.maxBytes())));
      while (next < sendings.length) {
        const sending = sendings[next++]!;
        const body = this.#body(sending, room);
        await this.#deliver(connections.for(sending.protocol), sending, body);
        bytes += body.length;
      }
    };
    await Promise.all(Array.from({ length: this.#options.connections }, sender));
    return bytes;
  }

  async #deliver(connection: Connection, { request, protocol }: Sending, body: Buffer): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        await connection.send(protocol, body);
        return;
      } catch (error) {
        if (tried >= this.#options.tries) {
          throw new Error(`request ${request} over ${protocol} was refused ${tried} times`, { cause: error });
        }
        await pause(100 * tried);
      }
    }
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

/** A sender's connections, opened when first used. */
class Connections implements Disposable {
  readonly #grpc: GrpcConnection;
  readonly #http: HttpConnection;

  constructor(endpoints: Endpoints) {
    this.#grpc = new GrpcConnection(endpoints.grpc);
    this.#http = new HttpConnection(endpoints.http);
  }

  for(protocol: Protocol): Connection {
    return isGrpc(protocol) ? this.#grpc : this.#http;
  }

  [Symbol.dispose](): void {
    this.#grpc[Symbol.dispose]();
    this.#http[Symbol.dispose]();
  }
}
