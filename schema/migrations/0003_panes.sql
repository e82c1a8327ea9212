-- Panes: counts and duration digests of the runs that ended in one minute or hour, by process and by step.
-- Each writer (one instance of the service) has rows of its own; readers add them up. The pane stands before the
-- process in the key: a window of five minutes reads five minutes.
CREATE TABLE IF NOT EXISTS {database}.process_panes_data{on_cluster}
(
    resolution LowCardinality(String),
    pane DateTime64(3, 'UTC'),
    environment LowCardinality(String),
    process LowCardinality(String),
    writer LowCardinality(String),
    version UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    succeeded UInt64,
    failed UInt64,
    abandoned UInt64,
    cancelled UInt64,
    skipped UInt64,
    continued UInt64,
    completed UInt64,
    recovered UInt64,
    late UInt64,
    sampled UInt64,
    duration AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32),
    queue AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32),
    duration_sum_us UInt64,
    duration_max_us UInt64
)
ENGINE = {engine:ReplacingMergeTree(version)}
PARTITION BY (resolution, toYYYYMM(pane))
ORDER BY (resolution, pane, environment, process, writer)
{durable};

CREATE TABLE IF NOT EXISTS {database}.step_panes_data{on_cluster}
(
    resolution LowCardinality(String),
    pane DateTime64(3, 'UTC'),
    environment LowCardinality(String),
    process LowCardinality(String),
    step LowCardinality(String),
    writer LowCardinality(String),
    version UInt64,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    executions UInt64,
    errors UInt64,
    attempts UInt64,
    blamed UInt64,
    duration AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)
)
ENGINE = {engine:ReplacingMergeTree(version)}
PARTITION BY (resolution, toYYYYMM(pane))
ORDER BY (resolution, pane, environment, process, step, writer)
{durable};
