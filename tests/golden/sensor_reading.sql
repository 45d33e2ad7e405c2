CREATE TABLE IF NOT EXISTS "sensor_reading" (
  "time" timestamptz NOT NULL,
  "network" text NOT NULL,
  "node" text NOT NULL,
  "quantity" text NOT NULL,
  "value" double precision NOT NULL,
  "battery_v" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "sensor_reading"."time" IS 'when it was measured';
COMMENT ON COLUMN "sensor_reading"."network" IS 'sensor network whose nodes measure one field';
COMMENT ON COLUMN "sensor_reading"."node" IS 'node that measured';
COMMENT ON COLUMN "sensor_reading"."quantity" IS 'what is measured, e.g. air_temperature; nodes are compared with those of the same quantity';
COMMENT ON COLUMN "sensor_reading"."value" IS 'the value, in one unit for all nodes of a quantity [that of the quantity]';
COMMENT ON COLUMN "sensor_reading"."battery_v" IS 'battery voltage [V]';
COMMENT ON COLUMN "sensor_reading"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "sensor_reading"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
