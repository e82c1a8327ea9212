-- Runs that are known to be running. Each is rewritten daily: what has not been for two days belongs to a lost writer.
CREATE OR REPLACE VIEW {database}.runs_in_flight{on_cluster} AS
SELECT
    environment,
    process,
    run_id,
    state,
    started_at,
    last_seen_at,
    toFloat64(greatest(dateDiff('millisecond', started_at, now64(3, 'UTC')), 0)) AS age_ms,
    current_step
FROM {database}.in_flight_data FINAL
WHERE written_at >= now('UTC') - toIntervalDay(2);
