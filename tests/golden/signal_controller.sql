CREATE TABLE IF NOT EXISTS "signal_controller" (
  "time" timestamptz NOT NULL,
  "intersection" text NOT NULL,
  "signal_group" integer NOT NULL,
  "lamp" text NOT NULL,
  "programme" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "signal_controller"."time" IS 'since when, or at what time, the lamps show it';
COMMENT ON COLUMN "signal_controller"."intersection" IS 'intersection id as the broadcast messages name it';
COMMENT ON COLUMN "signal_controller"."signal_group" IS 'signal group';
COMMENT ON COLUMN "signal_controller"."lamp" IS 'what the lamps show';
COMMENT ON COLUMN "signal_controller"."programme" IS 'signal programme that runs';
COMMENT ON COLUMN "signal_controller"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "signal_controller"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
