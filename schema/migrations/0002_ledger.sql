-- The ledger: one row per run and per step execution, replaced by version, given up by is_deleted.
-- opened_day never changes in a run's life, so it may stand first in the key: recent runs are read without the rest.
-- The span_* arrays hold every span that a row stands for, so that its events can be rebuilt exactly.
CREATE TABLE IF NOT EXISTS {database}.runs_data{on_cluster}
(
    opened_day Date,
    environment LowCardinality(String),
    process LowCardinality(String),
    run_id String,
    version UInt64,
    is_deleted UInt8,
    writer LowCardinality(String),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    service LowCardinality(String),
    service_version LowCardinality(String),
    dialect LowCardinality(String),
    state LowCardinality(String),
    trigger LowCardinality(String),
    group_id String,
    parent_run_id String,
    trace_id String,
    enqueued_at Nullable(DateTime64(3, 'UTC')),
    started_at DateTime64(3, 'UTC'),
    ended_at DateTime64(3, 'UTC'),
    duration_us Nullable(UInt64),
    queue_us Nullable(UInt64),
    failing_step LowCardinality(String),
    error_type LowCardinality(String),
    error_message String,
    steps UInt32,
    errored_steps UInt32,
    attempts UInt32,
    completed UInt8,
    recovered UInt8,
    quality Array(LowCardinality(String)),
    span_trace_ids Array(FixedString(16)),
    span_ids Array(FixedString(8)),
    span_parents Array(FixedString(8)),
    span_hashes Array(UInt64),
    span_starts Array(DateTime64(9, 'UTC')),
    span_ends Array(DateTime64(9, 'UTC')),
    span_statuses Array(UInt8),
    span_details Array(String),
    INDEX ended_at_minmax ended_at TYPE minmax GRANULARITY 1,
    INDEX run_id_bloom run_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = {engine:ReplacingMergeTree(version, is_deleted)}
ORDER BY (opened_day, environment, process, run_id)
{durable};

CREATE TABLE IF NOT EXISTS {database}.steps_data{on_cluster}
(
    opened_day Date,
    environment LowCardinality(String),
    process LowCardinality(String),
    run_id String,
    step LowCardinality(String),
    execution UInt32,
    version UInt64,
    is_deleted UInt8,
    writer LowCardinality(String),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    run_ended_at DateTime64(3, 'UTC'),
    kind LowCardinality(String),
    verb LowCardinality(String),
    step_key String,
    state LowCardinality(String),
    attempts UInt32,
    started_at DateTime64(3, 'UTC'),
    ended_at DateTime64(3, 'UTC'),
    duration_us Nullable(UInt64),
    error_type LowCardinality(String),
    error_message String,
    cached UInt8,
    blamed UInt8,
    trace_id String,
    span_id String,
    span_trace_ids Array(FixedString(16)),
    span_ids Array(FixedString(8)),
    span_parents Array(FixedString(8)),
    span_hashes Array(UInt64),
    span_starts Array(DateTime64(9, 'UTC')),
    span_ends Array(DateTime64(9, 'UTC')),
    span_statuses Array(UInt8),
    span_details Array(String),
    INDEX run_ended_at_minmax run_ended_at TYPE minmax GRANULARITY 1,
    INDEX run_id_bloom run_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = {engine:ReplacingMergeTree(version, is_deleted)}
ORDER BY (opened_day, environment, process, run_id, step, execution)
{durable};

-- Runs that are known to be running; tombstoned at their close, rewritten daily while they last.
CREATE TABLE IF NOT EXISTS {database}.in_flight_data{on_cluster}
(
    opened_day Date,
    environment LowCardinality(String),
    process LowCardinality(String),
    run_id String,
    version UInt64,
    is_deleted UInt8,
    writer LowCardinality(String),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    service LowCardinality(String),
    dialect LowCardinality(String),
    state LowCardinality(String),
    trace_id String,
    started_at DateTime64(3, 'UTC'),
    last_seen_at DateTime64(3, 'UTC'),
    current_step LowCardinality(String),
    INDEX written_at_minmax written_at TYPE minmax GRANULARITY 1
)
ENGINE = {engine:ReplacingMergeTree(version, is_deleted)}
ORDER BY (opened_day, environment, process, run_id)
{durable};
