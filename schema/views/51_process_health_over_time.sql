-- The measures of process_health for each minute ('1m') or hour ('1h') in which runs ended.
CREATE OR REPLACE VIEW {database}.process_health_over_time{on_cluster} AS
SELECT
    environment, process, resolution, time,
    counted + cancelled + skipped + continued AS runs,
    succeeded, failed, abandoned, cancelled, skipped, completed,
    if(counted = 0, NULL, completed / counted) AS completion_rate,
    if(counted = 0, NULL, succeeded / counted) AS success_rate,
    if(isNaN(quantiles[1]), NULL, round(toFloat64(quantiles[1]), 3)) AS p50_ms,
    if(isNaN(quantiles[2]), NULL, round(toFloat64(quantiles[2]), 3)) AS p95_ms,
    if(isNaN(quantiles[3]), NULL, round(toFloat64(quantiles[3]), 3)) AS p99_ms,
    if(isNaN(queue_quantiles[2]), NULL, round(toFloat64(queue_quantiles[2]), 3)) AS queue_p95_ms
FROM
(
    SELECT
        environment, process, resolution, pane AS time,
        sum(panes.succeeded) AS succeeded,
        sum(panes.failed) AS failed,
        sum(panes.abandoned) AS abandoned,
        sum(panes.cancelled) AS cancelled,
        sum(panes.skipped) AS skipped,
        sum(panes.continued) AS continued,
        sum(panes.completed) AS completed,
        succeeded + failed + abandoned AS counted,
        quantilesTDigestMerge(0.5, 0.95, 0.99)(panes.duration) AS quantiles,
        quantilesTDigestMerge(0.5, 0.95, 0.99)(panes.queue) AS queue_quantiles
    FROM {database}.process_panes_data AS panes FINAL
    GROUP BY environment, process, resolution, time
);
