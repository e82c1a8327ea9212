/**
 * What a stage may say about itself: log lines and measurements.
 * Owns the interface only; service/telemetry implements it, with one table of metrics.
 * Levels by consequence: warn = unexpected, nothing lost; error = loss, or a person must act.
 */

export type Labels = Readonly<Record<string, string>>;
export type LogFields = Readonly<Record<string, unknown>>;

export interface Telemetry {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Adds to the counter of that name; the name must stand in the metrics table. */
  count(metric: string, by: number, labels?: Labels): void;
  /** Sets the gauge of that name. */
  gauge(metric: string, value: number, labels?: Labels): void;
  /** Observes a value (base unit: seconds, bytes) in the histogram of that name. */
  observe(metric: string, value: number, labels?: Labels): void;
}

/** Says nothing; for tests and tools. */
export const silentTelemetry: Telemetry = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  count() {},
  gauge() {},
  observe() {},
};
