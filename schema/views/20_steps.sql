-- One row per step execution: the newest version of each, tombstones left out.
CREATE OR REPLACE VIEW {database}.steps{on_cluster} AS
SELECT
    environment,
    process,
    run_id,
    step,
    execution,
    kind,
    verb,
    state,
    attempts,
    started_at,
    ended_at,
    duration_us / 1000 AS duration_ms,
    error_type,
    error_message,
    trace_id,
    span_id
FROM {database}.steps_data FINAL;
