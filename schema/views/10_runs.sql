-- One row per run: the newest version of each, tombstones left out.
CREATE OR REPLACE VIEW {database}.runs{on_cluster} AS
SELECT
    environment,
    process,
    run_id,
    service,
    service_version,
    dialect,
    state,
    trigger,
    parent_run_id,
    trace_id,
    enqueued_at,
    started_at,
    ended_at,
    duration_us / 1000 AS duration_ms,
    queue_us / 1000 AS queue_ms,
    failing_step,
    error_type,
    error_message,
    steps,
    errored_steps,
    attempts,
    quality,
    writer,
    version
FROM {database}.runs_data FINAL;
