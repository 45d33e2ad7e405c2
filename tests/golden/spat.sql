CREATE TABLE IF NOT EXISTS "spat" (
  "time" timestamptz NOT NULL,
  "intersection" text NOT NULL,
  "receiver" text NOT NULL,
  "station" text,
  "certificate" text,
  "generation_time" timestamptz,
  "revision" integer,
  "signal_group" integer NOT NULL,
  "state" text NOT NULL,
  "min_end_mark" integer,
  "signature" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "spat"."time" IS 'when the receiver heard it';
COMMENT ON COLUMN "spat"."intersection" IS 'intersection id, behind its region''s where there is one';
COMMENT ON COLUMN "spat"."receiver" IS 'roadside unit or vehicle that heard it';
COMMENT ON COLUMN "spat"."station" IS 'station id of the sender';
COMMENT ON COLUMN "spat"."certificate" IS 'digest of the signing certificate, hexadecimal';
COMMENT ON COLUMN "spat"."generation_time" IS 'the moment that the message gives for its states';
COMMENT ON COLUMN "spat"."revision" IS 'revision of the MAP that it belongs to';
COMMENT ON COLUMN "spat"."signal_group" IS 'signal group';
COMMENT ON COLUMN "spat"."state" IS 'MovementPhaseState of SAE J2735';
COMMENT ON COLUMN "spat"."min_end_mark" IS 'TimeMark before which the state does not end: tenths of a second in this or the next hour (UTC); 36001 unknown [0.1 s]';
COMMENT ON COLUMN "spat"."signature" IS 'verdict';
COMMENT ON COLUMN "spat"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "spat"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
