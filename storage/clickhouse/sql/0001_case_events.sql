CREATE TABLE IF NOT EXISTS case_events
(
    case_id       String                 COMMENT 'the case the event belongs to',
    log_partition UInt32                 COMMENT 'where the case log holds the event',
    log_offset    UInt64                 COMMENT 'its offset in the partition: events of a case come in this order',
    event_id      String                 COMMENT 'deterministic for facts, random for decisions',
    type          LowCardinality(String) COMMENT 'suspected, stop_ended, confirmed, rejected, upload_failed or receipt',
    at            DateTime64(6, 'UTC')   COMMENT 'when it happened',
    actor         String                 COMMENT 'camera/ID, officer/NAME or uploader',
    revision      UInt32                 COMMENT 'decisions: the revision of the case decided on',
    outcome       LowCardinality(String) COMMENT 'applied, repeated (known already) or void (without effect)',
    payload       String                 COMMENT 'the whole event as JSON' CODEC(ZSTD(3)),
    stored_at     DateTime64(6, 'UTC')   MATERIALIZED now64(6) COMMENT 'when this row was written'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (case_id, log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every event of every case, void ones too: the record of what was done. Read it with FINAL.'
