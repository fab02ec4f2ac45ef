ALTER TABLE case_events
    COMMENT COLUMN type 'suspected, stop_ended, confirmed, warned, rejected, upload_failed or receipt'
