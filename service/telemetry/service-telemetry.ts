/**
 * What the service says about itself: JSON log lines on stderr (pino) and the metrics of the table (prom-client).
 * Owns redaction and what happens to a measurement that the table does not know.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Labels, LogFields, Telemetry } from '../../schema/telemetry.ts';
import { Metrics } from './metrics.ts';
import { metricsTable } from './metrics-table.ts';
import { ProcessMetrics, type ProcessReadings } from './process-metrics.ts';

export interface TelemetryConfig {
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** A measurement that is not in the table throws (development, tests) or is logged as an error (production). */
  readonly strict: boolean;
}

export interface Scrape {
  readonly contentType: string;
  readonly text: string;
}

const secretFields = ['password', 'token', 'secret', 'authorization'];

export class ServiceTelemetry implements Telemetry {
  readonly #metrics = new Metrics(metricsTable);
  readonly #processMetrics: ProcessMetrics;
  readonly #logger: Logger;
  readonly #strict: boolean;

  constructor(config: TelemetryConfig, destination: DestinationStream, readings: ProcessReadings) {
    this.#strict = config.strict;
    this.#processMetrics = new ProcessMetrics(readings, this);
    const redact = secretFields.flatMap((field) => [field, `*.${field}`]);
    this.#logger = pino(
      {
        level: config.logLevel,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: redact, censor: '[redacted]' },
        messageKey: 'message',
        errorKey: 'error',
        serializers: { error: pino.stdSerializers.err },
      },
      destination,
    );
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#logger.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#logger.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#logger.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#logger.error(fields, message);
  }

  count(metric: string, by: number, labels?: Labels): void {
    this.#measure(() => this.#metrics.count(metric, by, labels));
  }

  gauge(metric: string, value: number, labels?: Labels): void {
    this.#measure(() => this.#metrics.gauge(metric, value, labels));
  }

  observe(metric: string, value: number, labels?: Labels): void {
    this.#measure(() => this.#metrics.observe(metric, value, labels));
  }

  /** Everything measured so far, in the Prometheus text format. */
  async scrape(): Promise<Scrape> {
    this.#processMetrics.update();
    return { contentType: this.#metrics.contentType, text: await this.#metrics.text() };
  }

  /** A wrong name must not take down a service that works otherwise. */
  #measure(record: () => void): void {
    try {
      record();
    } catch (error) {
      if (this.#strict) throw error;
      this.error('a measurement was lost', { error });
    }
  }
}
