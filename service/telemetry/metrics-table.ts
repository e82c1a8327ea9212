/**
 * Every metric of Finishline: name, kind, unit, labels and what it says. The one place to add or change one.
 * Names with `otelcol_` are the Collector's own, spelled and typed as on its `/metrics`. Owns no values.
 */

export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Base unit of the values; '1' = a plain number. */
  readonly unit: '1' | 'seconds' | 'bytes';
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds; histograms only. */
  readonly buckets?: readonly number[];
}

const process = ['environment', 'process'] as const;

export const metricsTable = {
  otelcol_process_uptime: {
    kind: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Time since the service started.',
  },
  otelcol_process_cpu_seconds: {
    kind: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'CPU time of the service, user and system, without the embedded engine.',
  },
  otelcol_process_memory_rss: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Resident memory of the service, without the embedded engine.',
  },
  otelcol_process_runtime_heap_alloc_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Live JavaScript heap.',
  },
  otelcol_process_runtime_total_sys_memory_bytes: {
    kind: 'gauge',
    unit: 'bytes',
    labels: [],
    help: 'Memory that the runtime obtained: heap and buffers outside it.',
  },
  otelcol_receiver_accepted_spans: {
    kind: 'counter',
    unit: '1',
    labels: ['receiver', 'transport'],
    help: 'Spans of acknowledged requests, kept or not.',
  },
  otelcol_receiver_refused_spans: {
    kind: 'counter',
    unit: '1',
    labels: ['receiver', 'transport'],
    help: 'Spans of requests that were read but not acknowledged.',
  },
  otelcol_exporter_queue_size: {
    kind: 'gauge',
    unit: '1',
    labels: ['exporter'],
    help: 'Rows that ClickHouse has not confirmed yet.',
  },
  otelcol_exporter_queue_capacity: {
    kind: 'gauge',
    unit: '1',
    labels: ['exporter'],
    help: 'Rows that may wait for ClickHouse before requests are held.',
  },
  finishline_requests_refused_total: {
    kind: 'counter',
    unit: '1',
    labels: ['transport', 'reason'],
    help: 'Requests that were not acknowledged, by reason.',
  },
  finishline_spans_kept_total: {
    kind: 'counter',
    unit: '1',
    labels: ['kind'],
    help: 'Spans that belong to workflows, by what they are.',
  },
  finishline_spans_skipped_total: {
    kind: 'counter',
    unit: '1',
    labels: [],
    help: 'Spans that no dialect matches.',
  },
  finishline_spans_dropped_total: {
    kind: 'counter',
    unit: '1',
    labels: ['reason'],
    help: 'Workflow spans that count nowhere, by reason.',
  },
  finishline_spans_repeated_total: {
    kind: 'counter',
    unit: '1',
    labels: [],
    help: 'Workflow spans that had arrived before, with the same content.',
  },
  finishline_orphan_spans_total: {
    kind: 'counter',
    unit: '1',
    labels: [],
    help: 'Workflow spans whose run never became known.',
  },
  finishline_open_spans: {
    kind: 'gauge',
    unit: '1',
    labels: [],
    help: 'Spans of open runs held in memory.',
  },
  finishline_runs_total: {
    kind: 'counter',
    unit: '1',
    labels: [...process, 'state'],
    help: 'Runs that ended, by state.',
  },
  finishline_corrections_total: {
    kind: 'counter',
    unit: '1',
    labels: ['kind'],
    help: 'Amendments of what was already written, by kind.',
  },
  finishline_pane_contributions_dropped_total: {
    kind: 'counter',
    unit: '1',
    labels: ['reason'],
    help: 'Runs that the ledger has but their panes do not, by reason.',
  },
  finishline_exporter_rows_total: {
    kind: 'counter',
    unit: '1',
    labels: ['table'],
    help: 'Rows confirmed by ClickHouse.',
  },
  finishline_exporter_blocks_total: {
    kind: 'counter',
    unit: '1',
    labels: ['table'],
    help: 'Blocks confirmed by ClickHouse.',
  },
  finishline_exporter_retries_total: {
    kind: 'counter',
    unit: '1',
    labels: ['reason'],
    help: 'Blocks offered to ClickHouse again, by reason.',
  },
  finishline_blocks_dropped_total: {
    kind: 'counter',
    unit: '1',
    labels: ['table', 'reason'],
    help: 'Blocks that were given up: their rows are lost.',
  },
  finishline_rows_dropped_total: {
    kind: 'counter',
    unit: '1',
    labels: ['table', 'reason'],
    help: 'Rows of dropped blocks.',
  },
  finishline_engine_restarts_total: {
    kind: 'counter',
    unit: '1',
    labels: [],
    help: 'Restarts of the embedded ClickHouse engine.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
