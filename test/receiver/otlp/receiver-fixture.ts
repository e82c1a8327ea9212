/** A real receiver on free ports, with the next stage in memory: what it was given, and what it answers. */
import type { OtlpReceiverConfig } from '../../../receiver/otlp/config.ts';
import { OtlpReceiver } from '../../../receiver/otlp/otlp-receiver.ts';
import { defaultDialects } from '../../../schema/dialects/registry.ts';
import type { RootWatch, SpanBatch } from '../../../schema/span-batch.ts';
import { silentTelemetry } from '../../../schema/telemetry.ts';

/** The limit of both protocols in the tests. */
export const LIMIT_BYTES = 1024 * 1024;

export class ReceiverFixture implements AsyncDisposable {
  /** Everything the next stage has taken. */
  readonly batches: SpanBatch[] = [];
  /** Metrics by `name{label="value",…}`. */
  readonly counts = new Map<string, number>();
  readonly errors: string[] = [];
  readonly watched = new Set<string>();
  /** What the next stage does before it takes a batch. */
  before: (batch: SpanBatch) => void | Promise<void> = () => {};
  readonly receiver: OtlpReceiver;

  constructor(config?: OtlpReceiverConfig) {
    const watch: RootWatch = { active: () => this.watched.size > 0, watches: (id) => this.watched.has(id) };
    this.receiver = new OtlpReceiver(
      config ?? {
        grpc: { endpoint: 'localhost:0', maxRecvMsgSizeMib: 1 },
        http: { endpoint: 'localhost:0', maxRequestBodySizeMib: 1 },
      },
      {
        watch,
        dialects: defaultDialects,
        next: {
          consume: async (batch) => {
            await this.before(batch);
            this.batches.push(batch);
          },
        },
        telemetry: {
          ...silentTelemetry,
          error: (message) => this.errors.push(message),
          count: (metric, by, labels = {}) => {
            const key = `${metric}{${Object.entries(labels)
              .map(([label, value]) => `${label}="${value}"`)
              .join(',')}}`;
            this.counts.set(key, (this.counts.get(key) ?? 0) + by);
          },
        },
      },
    );
  }

  static async start(config?: OtlpReceiverConfig): Promise<ReceiverFixture> {
    const fixture = new ReceiverFixture(config);
    await fixture.receiver.start();
    return fixture;
  }

  /** Port of a protocol. */
  port(protocol: 'grpc' | 'http'): number {
    return Number(this.receiver.addresses[protocol]!.split(':').at(-1));
  }

  /** Spans that the next stage has taken. */
  get spanCount(): number {
    return this.batches.reduce((sum, batch) => sum + batch.spanCount, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.receiver[Symbol.asyncDispose]();
  }
}
