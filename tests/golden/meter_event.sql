CREATE TABLE IF NOT EXISTS "meter_event" (
  "time" timestamptz NOT NULL,
  "meter" text NOT NULL,
  "transformer" text NOT NULL,
  "profile" text NOT NULL,
  "code" integer NOT NULL,
  "meaning" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "meter_event"."time" IS 'time of the event by the meter''s clock';
COMMENT ON COLUMN "meter_event"."meter" IS 'meter identifier';
COMMENT ON COLUMN "meter_event"."transformer" IS 'distribution transformer that feeds the meter';
COMMENT ON COLUMN "meter_event"."profile" IS 'event code profile that gives the code its meaning, e.g. dlms';
COMMENT ON COLUMN "meter_event"."code" IS 'event code in that profile';
COMMENT ON COLUMN "meter_event"."meaning" IS 'meaning of the code in the words of `ingest.meter_events`, e.g. cover_removed';
COMMENT ON COLUMN "meter_event"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "meter_event"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
