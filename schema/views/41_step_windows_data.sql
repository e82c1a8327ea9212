-- The step panes that make up each window; the windows are those of process_windows_data.
CREATE OR REPLACE VIEW {database}.step_windows_data{on_cluster} AS
SELECT '5m' AS window, environment, process, step, executions, errors, attempts, blamed, duration
FROM {database}.step_panes_data FINAL
WHERE resolution = '1m' AND pane >= toStartOfMinute(now('UTC') - toIntervalMinute(5))
UNION ALL
SELECT '1h' AS window, environment, process, step, executions, errors, attempts, blamed, duration
FROM {database}.step_panes_data FINAL
WHERE resolution = '1m' AND pane >= toStartOfMinute(now('UTC') - toIntervalHour(1))
UNION ALL
WITH toStartOfMinute(now('UTC') - toIntervalHour(24)) AS start
SELECT '24h' AS window, environment, process, step, executions, errors, attempts, blamed, duration
FROM {database}.step_panes_data FINAL
WHERE resolution = '1h'
    AND pane >= toStartOfHour(start + toIntervalSecond(3599))
    AND pane < toStartOfHour(now('UTC') - toIntervalMinute(15))
UNION ALL
WITH toStartOfMinute(now('UTC') - toIntervalHour(24)) AS start
SELECT '24h' AS window, environment, process, step, executions, errors, attempts, blamed, duration
FROM {database}.step_panes_data FINAL
WHERE resolution = '1m'
    AND (
        (pane >= start AND pane < toStartOfHour(start + toIntervalSecond(3599)))
        OR pane >= toStartOfHour(now('UTC') - toIntervalMinute(15))
    );
