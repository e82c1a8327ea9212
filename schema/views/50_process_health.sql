-- A row per process and window while the process has a run in the last 24 hours or one in flight: 0 and NULL then, never
-- a missing row. Rates are integers divided once. The ifNull are for sessions that set join_use_nulls.
CREATE OR REPLACE VIEW {database}.process_health{on_cluster} AS
SELECT
    known.environment AS environment,
    known.process AS process,
    known.window AS window,
    ifNull(measured.runs, 0) AS runs,
    ifNull(measured.succeeded, 0) AS succeeded,
    ifNull(measured.failed, 0) AS failed,
    ifNull(measured.abandoned, 0) AS abandoned,
    ifNull(measured.cancelled, 0) AS cancelled,
    ifNull(measured.skipped, 0) AS skipped,
    ifNull(measured.completed, 0) AS completed,
    measured.completion_rate AS completion_rate,
    measured.success_rate AS success_rate,
    measured.p50_ms AS p50_ms,
    measured.p95_ms AS p95_ms,
    measured.p99_ms AS p99_ms,
    measured.queue_p95_ms AS queue_p95_ms,
    ifNull(broken.failing_step, '') AS failing_step,
    ifNull(broken.failing_step_runs, 0) AS failing_step_runs,
    known.in_flight AS in_flight,
    measured.completion_rate_before AS completion_rate_before
FROM
(
    SELECT environment, process, window, in_flight
    FROM
    (
        SELECT environment, process, sum(open_runs) AS in_flight
        FROM
        (
            SELECT environment, process, toUInt64(0) AS open_runs
            FROM {database}.process_windows_data
            WHERE window = '24h' AND current AND succeeded + failed + abandoned + cancelled + skipped + continued > 0
            UNION ALL
            SELECT environment, process, count() AS open_runs
            FROM {database}.runs_in_flight
            GROUP BY environment, process
        )
        GROUP BY environment, process
    )
    ARRAY JOIN ['5m', '1h', '24h'] AS window
) AS known
LEFT JOIN
(
    SELECT
        environment, process, window, succeeded, failed, abandoned, cancelled, skipped, completed,
        succeeded + failed + abandoned AS counted,
        counted + cancelled + skipped + continued AS runs,
        if(counted = 0, NULL, completed / counted) AS completion_rate,
        if(counted = 0, NULL, succeeded / counted) AS success_rate,
        if(isNaN(quantiles[1]), NULL, round(toFloat64(quantiles[1]), 3)) AS p50_ms,
        if(isNaN(quantiles[2]), NULL, round(toFloat64(quantiles[2]), 3)) AS p95_ms,
        if(isNaN(quantiles[3]), NULL, round(toFloat64(quantiles[3]), 3)) AS p99_ms,
        if(isNaN(queue_quantiles[2]), NULL, round(toFloat64(queue_quantiles[2]), 3)) AS queue_p95_ms,
        if(counted_before = 0, NULL, completed_before / counted_before) AS completion_rate_before
    FROM
    (
        SELECT
            environment, process, window,
            sumIf(panes.succeeded, current) AS succeeded,
            sumIf(panes.failed, current) AS failed,
            sumIf(panes.abandoned, current) AS abandoned,
            sumIf(panes.cancelled, current) AS cancelled,
            sumIf(panes.skipped, current) AS skipped,
            sumIf(panes.continued, current) AS continued,
            sumIf(panes.completed, current) AS completed,
            quantilesTDigestMergeIf(0.5, 0.95, 0.99)(panes.duration, current) AS quantiles,
            quantilesTDigestMergeIf(0.5, 0.95, 0.99)(panes.queue, current) AS queue_quantiles,
            sumIf(panes.completed, NOT current) AS completed_before,
            sumIf(panes.succeeded + panes.failed + panes.abandoned, NOT current) AS counted_before
        FROM {database}.process_windows_data AS panes
        GROUP BY environment, process, window
    )
) AS measured ON measured.environment = known.environment AND measured.process = known.process AND measured.window = known.window
LEFT JOIN
(
    SELECT environment, process, window, argMax(step, (blamed_runs, reverse_order)) AS failing_step, max(blamed_runs) AS failing_step_runs
    FROM
    (
        SELECT environment, process, window, step, sum(blamed) AS blamed_runs,
            -- Of steps that broke as many runs, the first by name.
            -row_number() OVER (PARTITION BY environment, process, window ORDER BY step) AS reverse_order
        FROM {database}.step_windows_data
        GROUP BY environment, process, window, step
        HAVING blamed_runs > 0
    )
    GROUP BY environment, process, window
) AS broken ON broken.environment = known.environment AND broken.process = known.process AND broken.window = known.window;
