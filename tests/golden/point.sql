CREATE TABLE IF NOT EXISTS "point" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "device" text NOT NULL,
  "point" text NOT NULL,
  "value" double precision,
  "unit" text,
  "quality" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "point"."time" IS 'when the answer came, or when the poll gave up';
COMMENT ON COLUMN "point"."site" IS 'substation of the device';
COMMENT ON COLUMN "point"."device" IS 'device name in the point map';
COMMENT ON COLUMN "point"."point" IS 'point name in the point map';
COMMENT ON COLUMN "point"."value" IS 'engineering value; null where the quality is not good';
COMMENT ON COLUMN "point"."unit" IS 'unit of the value';
COMMENT ON COLUMN "point"."quality" IS 'good, timeout, exception or disconnected';
COMMENT ON COLUMN "point"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "point"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
