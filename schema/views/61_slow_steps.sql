-- Executions, errors and durations of each step, by window. Steps count in the window of their run's end.
CREATE OR REPLACE VIEW {database}.slow_steps{on_cluster} AS
SELECT
    environment, process, window, step, executions, errors, attempts,
    if(isNaN(quantiles[1]), NULL, round(toFloat64(quantiles[1]), 3)) AS p50_ms,
    if(isNaN(quantiles[2]), NULL, round(toFloat64(quantiles[2]), 3)) AS p95_ms,
    if(isNaN(quantiles[3]), NULL, round(toFloat64(quantiles[3]), 3)) AS p99_ms
FROM
(
    SELECT
        environment, process, window, step,
        sum(panes.executions) AS executions,
        sum(panes.errors) AS errors,
        sum(panes.attempts) AS attempts,
        quantilesTDigestMerge(0.5, 0.95, 0.99)(panes.duration) AS quantiles
    FROM {database}.step_windows_data AS panes
    GROUP BY environment, process, window, step
)
WHERE executions > 0;
