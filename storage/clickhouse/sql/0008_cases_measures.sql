ALTER TABLE cases
    ADD COLUMN IF NOT EXISTS trial Bool DEFAULT false COMMENT 'whether the zone was in its trial: nothing of it is submitted' AFTER zone,
    ADD COLUMN IF NOT EXISTS decided LowCardinality(String) COMMENT 'confirmed, warned or rejected; empty before, and for what was decided before this column' AFTER decided_by,
    ADD COLUMN IF NOT EXISTS proposed LowCardinality(String) COMMENT 'what the scale proposed, warn or penalise; empty without a scale' AFTER decided,
    ADD COLUMN IF NOT EXISTS grounds LowCardinality(String) COMMENT 'why it was proposed, joined by commas' AFTER proposed,
    ADD COLUMN IF NOT EXISTS deviation_reason String COMMENT 'why the officer decided otherwise than proposed' AFTER reject_reason,
    COMMENT COLUMN state 'suspected, confirmed, uploaded, refused, warned, rejected or trial'
