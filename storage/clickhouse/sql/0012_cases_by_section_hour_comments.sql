ALTER TABLE cases_by_section_hour
    COMMENT COLUMN section_id                 'the road section',
    COMMENT COLUMN section_name               'what the announcement calls it',
    COMMENT COLUMN hour                       'the hour (UTC) in which the offending stretch began',
    COMMENT COLUMN cases                      'all of them',
    COMMENT COLUMN waiting                    'those that no officer has decided on',
    COMMENT COLUMN confirmed                  'those that an officer confirmed, whatever the platform said',
    COMMENT COLUMN uploaded                   'those that the platform accepted',
    COMMENT COLUMN warned                     'those that an officer closed with a warning',
    COMMENT COLUMN rejected                   'those that an officer rejected',
    COMMENT COLUMN trial                      'those of zones in their trial, whatever was decided',
    COMMENT COLUMN without_plate              'those whose plate is not known',
    COMMENT COLUMN median_seconds_to_decision 'from the suspicion to the officer''s decision, of the decided ones'
