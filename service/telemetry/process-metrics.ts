/**
 * The Collector's `otelcol_process_*` metrics of this process, brought up to date when somebody looks.
 * Owns the readings of one process; the embedded engine is another process and not in them.
 */
import type { Telemetry } from '../../schema/telemetry.ts';

/** What Node's `process` gives; injected so that nobody but the composition root touches it. */
export interface ProcessReadings {
  uptime(): number;
  cpuUsage(): { readonly user: number; readonly system: number };
  memoryUsage(): {
    readonly rss: number;
    readonly heapUsed: number;
    readonly heapTotal: number;
    readonly external: number;
  };
}

export class ProcessMetrics {
  readonly #readings: ProcessReadings;
  readonly #telemetry: Telemetry;
  #countedUptimeSeconds = 0;
  #countedCpuSeconds = 0;

  constructor(readings: ProcessReadings, telemetry: Telemetry) {
    this.#readings = readings;
    this.#telemetry = telemetry;
  }

  update(): void {
    const uptimeSeconds = this.#readings.uptime();
    const cpu = this.#readings.cpuUsage();
    const cpuSeconds = (cpu.user + cpu.system) / 1_000_000;
    const memory = this.#readings.memoryUsage();
    this.#telemetry.count('otelcol_process_uptime', uptimeSeconds - this.#countedUptimeSeconds);
    this.#telemetry.count('otelcol_process_cpu_seconds', cpuSeconds - this.#countedCpuSeconds);
    this.#telemetry.gauge('otelcol_process_memory_rss', memory.rss);
    this.#telemetry.gauge('otelcol_process_runtime_heap_alloc_bytes', memory.heapUsed);
    this.#telemetry.gauge('otelcol_process_runtime_total_sys_memory_bytes', memory.heapTotal + memory.external);
    this.#countedUptimeSeconds = uptimeSeconds;
    this.#countedCpuSeconds = cpuSeconds;
  }
}
