-- What has been applied to this database. Statements end in `;` at the end of a line; a file that has been released
-- never changes (its checksum is recorded): the next change is a new file with the next number.
CREATE TABLE IF NOT EXISTS {database}.schema_migrations{on_cluster}
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {engine:ReplacingMergeTree}
ORDER BY number
{durable};

-- One row: the marker by which the service proves that what it writes can be read at the public door.
CREATE TABLE IF NOT EXISTS {database}.readiness_data{on_cluster}
(
    writer String,
    marker String,
    version UInt64
)
ENGINE = {engine:ReplacingMergeTree(version)}
ORDER BY writer
{durable};
