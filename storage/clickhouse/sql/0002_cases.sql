CREATE TABLE IF NOT EXISTS cases
(
    case_id           String                 COMMENT 'deterministic: the same stop in the same zone has the same',
    log_partition     UInt32                 COMMENT 'where the case log holds the newest event that changed the case',
    log_offset        UInt64                 COMMENT 'its offset, and so the version of this row',
    state             LowCardinality(String) COMMENT 'suspected, confirmed, uploaded, refused or rejected',
    revision          UInt32                 COMMENT 'grows with every change of state',
    opened_at         DateTime64(6, 'UTC')   COMMENT 'when it was first suspected',

    camera_id         LowCardinality(String) COMMENT 'the camera as configured',
    camera_name       LowCardinality(String) COMMENT 'what officers call it',
    device_id         LowCardinality(String) COMMENT 'its 20 digits on the police side',
    place             LowCardinality(String) COMMENT 'where it stands',
    direction         LowCardinality(String) COMMENT 'where it looks',
    section_id        LowCardinality(String) COMMENT 'the road section',
    section_name      LowCardinality(String) COMMENT 'what the announcement calls it',
    time_zone         LowCardinality(String) COMMENT 'the zone that the section''s windows are read in',
    zone              LowCardinality(String) COMMENT 'the area of the picture the vehicle stood in',
    policy            LowCardinality(String) COMMENT 'ID of the policy it was judged under',
    code              LowCardinality(String) COMMENT 'violation code on the police side',

    class             LowCardinality(String) COMMENT 'kind of vehicle',
    plate             String                 COMMENT 'the plate to act on: the officer''s word, else an accepted read, else empty',
    plate_read        String                 COMMENT 'the plate as the machine read it, a mere hint unless accepted',
    plate_kind        LowCardinality(String) COMMENT 'blue, green, yellow, white, black or unknown (empty)',
    plate_confidence  Float64                COMMENT 'of the weakest character, 0 to 1',
    plate_accepted    Bool                   COMMENT 'whether the machine''s read is trustworthy',
    plate_confirmed   String                 COMMENT 'the plate as the officer confirmed it',
    box_x             Float64                COMMENT 'left edge of the vehicle, 0 to 1 of the picture''s width',
    box_y             Float64                COMMENT 'upper edge, 0 to 1 of the picture''s height',
    box_width         Float64                COMMENT '0 to 1 of the picture''s width',
    box_height        Float64                COMMENT '0 to 1 of the picture''s height',

    stop_id           String                 COMMENT 'the stop it was judged on',
    stop_start        DateTime64(6, 'UTC')   COMMENT 'when the vehicle began to stand',
    stop_end          Nullable(DateTime64(6, 'UTC')) COMMENT 'when it left; NULL while it stands',
    since             DateTime64(6, 'UTC')   COMMENT 'when the offending stretch began',
    due               DateTime64(6, 'UTC')   COMMENT 'when the observation period ran out',
    reasons           Array(LowCardinality(String)) COMMENT 'the judge''s findings, in order',

    decided_at        Nullable(DateTime64(6, 'UTC')) COMMENT 'when an officer last decided',
    decided_by        String                 COMMENT 'who decided',
    reject_reason     String                 COMMENT 'why it was rejected',
    upload_attempt    Nullable(UInt32)       COMMENT 'newest failed attempt to upload since the decision',
    upload_error      String                 COMMENT 'why that attempt failed',
    receipt_at        Nullable(DateTime64(6, 'UTC')) COMMENT 'when the platform answered for good',
    receipt_accepted  Nullable(Bool)         COMMENT 'whether it accepted the case',
    receipt_platform  LowCardinality(String) COMMENT 'which platform',
    receipt_id        String                 COMMENT 'the case''s ID on the platform',
    receipt_code      LowCardinality(String) COMMENT 'the platform''s status code',
    receipt_message   String                 COMMENT 'the platform''s own words',

    manifest          String                 COMMENT 'SHA-256 of the evidence manifest',
    file_kinds        Array(LowCardinality(String)) COMMENT 'what each file of the evidence shows',
    file_sha256       Array(String)          COMMENT 'the SHA-256 of each file, in the same order',
    file_sizes        Array(Int64)           COMMENT 'bytes of each file, in the same order',

    payload           String                 COMMENT 'the whole case as JSON' CODEC(ZSTD(3)),
    stored_at         DateTime64(6, 'UTC')   MATERIALIZED now64(6) COMMENT 'when this row was written'
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(opened_at)
ORDER BY case_id
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One row for each case as it stands. Read it with FINAL, or the view cases_latest.'
