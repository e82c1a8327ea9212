-- Which steps broke runs, by window. `share` is of the runs that counted and did not complete. What broke a run without
-- a step to name stands here as (run) or (timeout). The last error is read from the ledger.
CREATE OR REPLACE VIEW {database}.failing_steps{on_cluster} AS
SELECT
    blamed.environment AS environment,
    blamed.process AS process,
    blamed.window AS window,
    blamed.step AS step,
    ifNull(ended.runs, 0) AS runs,
    blamed.failed_runs AS failed_runs,
    if(ifNull(ended.incomplete, 0) = 0, NULL, blamed.failed_runs / ended.incomplete) AS share,
    ifNull(seen.error_type, '') AS last_error_type,
    ifNull(seen.error_message, '') AS last_error_message,
    seen.last_seen AS last_seen_at
FROM
(
    SELECT environment, process, window, step, sum(panes.blamed) AS failed_runs
    FROM {database}.step_windows_data AS panes
    GROUP BY environment, process, window, step
    HAVING failed_runs > 0
) AS blamed
LEFT JOIN
(
    SELECT
        environment, process, window,
        sum(succeeded + failed + abandoned + cancelled + skipped + continued) AS runs,
        sum(succeeded + failed + abandoned) - sum(completed) AS incomplete
    FROM {database}.process_windows_data
    WHERE current
    GROUP BY environment, process, window
) AS ended ON ended.environment = blamed.environment AND ended.process = blamed.process AND ended.window = blamed.window
LEFT JOIN
(
    SELECT
        environment, process, window, step,
        argMax(ledger.error_type, (ended_at, run_id)) AS error_type,
        argMax(ledger.error_message, (ended_at, run_id)) AS error_message,
        toNullable(max(ended_at)) AS last_seen
    FROM
    (
        SELECT
            environment, process, failing_step AS step, run_id, ended_at, error_type, error_message,
            arrayJoin(arrayConcat(
                ['24h'],
                if(ended_at >= toStartOfMinute(now('UTC') - toIntervalHour(1)), ['1h'], []),
                if(ended_at >= toStartOfMinute(now('UTC') - toIntervalMinute(5)), ['5m'], []))) AS window
        FROM {database}.runs_data FINAL
        WHERE failing_step != '' AND ended_at >= toStartOfMinute(now('UTC') - toIntervalHour(24))
    ) AS ledger
    GROUP BY environment, process, window, step
) AS seen
    ON seen.environment = blamed.environment AND seen.process = blamed.process AND seen.window = blamed.window AND seen.step = blamed.step;
