ALTER TABLE case_events
    COMMENT COLUMN at 'when it happened; 1970 where the outcome is unproven: the time that it claims is in the payload',
    COMMENT COLUMN outcome 'applied, repeated (known already), void (without effect) or unproven (void: it does not prove that this system wrote it)',
    COMMENT COLUMN payload 'the whole event as JSON, byte for byte as the case log has it, with its signature'
