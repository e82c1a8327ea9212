/**
 * The door of the OTLP receiver: one server per configured protocol, one intake for both.
 * Owns their lifetime; gives the kept spans of each request to `next` and answers when it has taken them.
 */
import type { Consumer, Stage } from '../../schema/contract.ts';
import type { Dialect } from '../../schema/dialect.ts';
import type { RootWatch, SpanBatch } from '../../schema/span-batch.ts';
import type { Telemetry } from '../../schema/telemetry.ts';
import type { OtlpReceiverConfig } from './config.ts';
import { GrpcServer } from './grpc-server.ts';
import { HttpServer } from './http-server.ts';
import { Intake } from './intake.ts';

/** How long requests in flight may take after the receiver was told to stop. */
const STOP_DEADLINE_MS = 5000;

export class OtlpReceiver implements Stage {
  readonly #grpc: GrpcServer | undefined;
  readonly #http: HttpServer | undefined;
  readonly #addresses: { grpc?: string; http?: string } = {};
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(
    config: OtlpReceiverConfig,
    deps: {
      readonly next: Consumer<SpanBatch>;
      readonly watch: RootWatch;
      readonly dialects: readonly Dialect[];
      readonly telemetry: Telemetry;
    },
  ) {
    const intake = new Intake(deps);
    this.#grpc = config.grpc && new GrpcServer(config.grpc, intake, deps.telemetry);
    this.#http = config.http && new HttpServer(config.http, intake, deps.telemetry);
  }

  /** `host:port` of each protocol as bound; absent before the start. */
  get addresses(): { readonly grpc?: string; readonly http?: string } {
    return this.#addresses;
  }

  /** Rejects with an error that names protocol and endpoint when one of them cannot be bound; none is bound then. */
  start(): Promise<void> {
    this.#starting ??= this.#bind();
    return this.#starting;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #bind(): Promise<void> {
    try {
      if (this.#grpc !== undefined) this.#addresses.grpc = await this.#grpc.start();
      if (this.#http !== undefined) this.#addresses.http = await this.#http.start();
    } catch (error) {
      await this.#stop();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#grpc?.stop(STOP_DEADLINE_MS), this.#http?.stop(STOP_DEADLINE_MS)]);
  }
}
