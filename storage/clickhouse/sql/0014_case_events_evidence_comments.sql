ALTER TABLE case_events
    COMMENT COLUMN type 'suspected, stop_ended, confirmed, warned, rejected, upload_failed or receipt; of the evidence: timestamped, deleted, held or released',
    COMMENT COLUMN actor 'camera/ID, officer/NAME, uploader, timestamps or retention'
