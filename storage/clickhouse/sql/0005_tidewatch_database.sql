CREATE TABLE IF NOT EXISTS tidewatch_database
(
    id      UUID                 COMMENT 'tells this database from one that takes its place',
    made_at DateTime64(6, 'UTC') COMMENT 'when it was first used'
)
ENGINE = MergeTree ORDER BY made_at
COMMENT 'One row: the place in the case log belongs to this ID. Without the row the log is read from its beginning again.'
