CREATE OR REPLACE VIEW cases_by_section_hour AS
SELECT
    section_id,
    any(section_name) AS section_name,
    toStartOfHour(since) AS hour,
    count() AS cases,
    countIf(state = 'suspected') AS waiting,
    countIf(state IN ('confirmed', 'uploaded', 'refused')) AS confirmed,
    countIf(state = 'uploaded') AS uploaded,
    countIf(state = 'warned') AS warned,
    countIf(state = 'rejected') AS rejected,
    countIf(trial) AS trial,
    countIf(plate = '') AS without_plate,
    quantileIf(0.5)(dateDiff('second', opened_at, decided_at), decided_at IS NOT NULL) AS median_seconds_to_decision
FROM cases FINAL
GROUP BY section_id, hour
COMMENT 'Cases by road section and by the hour (UTC) in which the offending stretch began'
