-- The process panes that make up each window and, with `current` = 0, the same length before it.
-- A window at time t is the minute panes from toStartOfMinute(t - w) on, without an upper end. 24h reads the hour panes
-- of whole sealed hours (an hour is sealed 10 minutes after its end; 15 leave time to write it) and minute panes for the rest.
CREATE OR REPLACE VIEW {database}.process_windows_data{on_cluster} AS
SELECT
    '5m' AS window,
    pane >= toStartOfMinute(now('UTC') - toIntervalMinute(5)) AS current,
    environment, process, succeeded, failed, abandoned, cancelled, skipped, continued, completed, duration, queue
FROM {database}.process_panes_data FINAL
WHERE resolution = '1m' AND pane >= toStartOfMinute(now('UTC') - toIntervalMinute(5)) - toIntervalMinute(5)
UNION ALL
SELECT
    '1h' AS window,
    pane >= toStartOfMinute(now('UTC') - toIntervalHour(1)) AS current,
    environment, process, succeeded, failed, abandoned, cancelled, skipped, continued, completed, duration, queue
FROM {database}.process_panes_data FINAL
WHERE resolution = '1m' AND pane >= toStartOfMinute(now('UTC') - toIntervalHour(1)) - toIntervalHour(1)
UNION ALL
WITH
    toStartOfMinute(now('UTC') - toIntervalHour(24)) AS start,
    start - toIntervalHour(24) AS start_before
SELECT
    '24h' AS window,
    pane >= start AS current,
    environment, process, succeeded, failed, abandoned, cancelled, skipped, continued, completed, duration, queue
FROM {database}.process_panes_data FINAL
WHERE resolution = '1h'
    AND pane >= toStartOfHour(start_before + toIntervalSecond(3599))
    AND pane < toStartOfHour(now('UTC') - toIntervalMinute(15))
    AND NOT (pane >= toStartOfHour(start) AND pane < toStartOfHour(start + toIntervalSecond(3599)))
UNION ALL
WITH
    toStartOfMinute(now('UTC') - toIntervalHour(24)) AS start,
    start - toIntervalHour(24) AS start_before
SELECT
    '24h' AS window,
    pane >= start AS current,
    environment, process, succeeded, failed, abandoned, cancelled, skipped, continued, completed, duration, queue
FROM {database}.process_panes_data FINAL
WHERE resolution = '1m'
    AND (
        (pane >= start_before AND pane < toStartOfHour(start_before + toIntervalSecond(3599)))
        OR (pane >= toStartOfHour(start) AND pane < toStartOfHour(start + toIntervalSecond(3599)))
        OR pane >= toStartOfHour(now('UTC') - toIntervalMinute(15))
    );
