/**
 * The metrics of the table as Prometheus counters, gauges and histograms, in a registry of their own.
 * Owns values and their text form. Escaping is prom-client's; which labels exist is the table's.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Labels } from '../../schema/telemetry.ts';
import type { MetricDefinition } from './metrics-table.ts';

type Instrument =
  | { readonly kind: 'counter'; readonly metric: Counter }
  | { readonly kind: 'gauge'; readonly metric: Gauge }
  | { readonly kind: 'histogram'; readonly metric: Histogram };

export class Metrics {
  readonly #registry = new Registry();
  readonly #instruments = new Map<string, Instrument>();

  constructor(table: Readonly<Record<string, MetricDefinition>>) {
    for (const [name, definition] of Object.entries(table)) {
      this.#instruments.set(name, instrument(name, definition, this.#registry));
    }
  }

  /** @throws Error when no counter of that name, or no such label, stands in the table. */
  count(name: string, by: number, labels: Labels = {}): void {
    this.#find(name, 'counter').metric.inc(labels, by);
  }

  /** @throws Error when no gauge of that name, or no such label, stands in the table. */
  gauge(name: string, value: number, labels: Labels = {}): void {
    this.#find(name, 'gauge').metric.set(labels, value);
  }

  /** @throws Error when no histogram of that name, or no such label, stands in the table. */
  observe(name: string, value: number, labels: Labels = {}): void {
    this.#find(name, 'histogram').metric.observe(labels, value);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Prometheus text exposition format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #find<Kind extends Instrument['kind']>(name: string, kind: Kind): Extract<Instrument, { kind: Kind }> {
    const found = this.#instruments.get(name);
    if (found?.kind === kind) return found as Extract<Instrument, { kind: Kind }>;
    throw new Error(`'${name}' is not a ${kind} of the metrics table (service/telemetry/metrics-table.ts)`);
  }
}

function instrument(name: string, definition: MetricDefinition, registry: Registry): Instrument {
  const options = { name, help: definition.help, labelNames: [...definition.labels], registers: [registry] };
  switch (definition.kind) {
    case 'counter':
      return { kind: 'counter', metric: new Counter(options) };
    case 'gauge':
      return { kind: 'gauge', metric: new Gauge(options) };
    case 'histogram':
      return { kind: 'histogram', metric: new Histogram({ ...options, buckets: [...(definition.buckets ?? [])] }) };
    default:
      return definition.kind satisfies never;
  }
}
