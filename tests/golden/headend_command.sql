CREATE TABLE IF NOT EXISTS "headend_command" (
  "time" timestamptz NOT NULL,
  "headend" text NOT NULL,
  "operator" text NOT NULL,
  "host" text NOT NULL,
  "meter" text NOT NULL,
  "feeder" text,
  "command" text NOT NULL,
  "work_order" text,
  "result" text,
  "class_id" integer,
  "obis" text,
  "old_value" double precision,
  "new_value" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "headend_command"."time" IS 'when the head-end issued the command';
COMMENT ON COLUMN "headend_command"."headend" IS 'head-end system that issued it';
COMMENT ON COLUMN "headend_command"."operator" IS 'account of the operator or service';
COMMENT ON COLUMN "headend_command"."host" IS 'host the operator''s session came from';
COMMENT ON COLUMN "headend_command"."meter" IS 'meter addressed';
COMMENT ON COLUMN "headend_command"."feeder" IS 'feeder of that meter';
COMMENT ON COLUMN "headend_command"."command" IS 'what the meter is told to do';
COMMENT ON COLUMN "headend_command"."work_order" IS 'work order that justifies the command';
COMMENT ON COLUMN "headend_command"."result" IS 'what came of it';
COMMENT ON COLUMN "headend_command"."class_id" IS 'COSEM class of the object written, e.g. 8 clock';
COMMENT ON COLUMN "headend_command"."obis" IS 'object written, e.g. 0.0.1.0.0.255';
COMMENT ON COLUMN "headend_command"."old_value" IS 'number there before: seconds of a clock, watts of a limit';
COMMENT ON COLUMN "headend_command"."new_value" IS 'number there now, in the same unit';
COMMENT ON COLUMN "headend_command"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "headend_command"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
