-- The runs of the last 24 hours that counted and did not complete, newest first.
CREATE OR REPLACE VIEW {database}.recent_failures{on_cluster} AS
SELECT
    environment,
    process,
    run_id,
    service,
    state,
    failing_step,
    error_type,
    error_message,
    trace_id,
    started_at,
    ended_at,
    duration_us / 1000 AS duration_ms
FROM {database}.runs_data FINAL
WHERE ended_at >= toStartOfMinute(now('UTC') - toIntervalHour(24))
    AND state IN ('SUCCEEDED', 'FAILED', 'ABANDONED')
    AND NOT completed
ORDER BY ended_at DESC;
