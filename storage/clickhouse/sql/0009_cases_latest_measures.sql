CREATE OR REPLACE VIEW cases_latest AS
SELECT * EXCEPT (payload, log_partition, log_offset)
FROM cases FINAL
COMMENT 'Every case as it stands, for analysts'
