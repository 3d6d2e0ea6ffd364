-- Alarms about what has a name of its own: two features may lapse on one day, and each is told.

ALTER TABLE alarm ADD subject text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN alarm.subject IS 'what of the program it is about; empty for all of it';
ALTER TABLE alarm DROP CONSTRAINT alarm_program_id_kind_day_key;
ALTER TABLE alarm ADD UNIQUE (program_id, kind, day, subject);
