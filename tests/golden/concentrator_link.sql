CREATE TABLE IF NOT EXISTS "concentrator_link" (
  "time" timestamptz NOT NULL,
  "concentrator" text NOT NULL,
  "node" text NOT NULL,
  "noise_dbm" double precision,
  "rssi_dbm" double precision,
  "frames_sent" integer,
  "frames_lost" integer,
  "reachable" boolean NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "concentrator_link"."time" IS 'end of the reporting interval';
COMMENT ON COLUMN "concentrator_link"."concentrator" IS 'concentrator or border router';
COMMENT ON COLUMN "concentrator_link"."node" IS 'meter or relay at the other end';
COMMENT ON COLUMN "concentrator_link"."noise_dbm" IS 'noise floor where it is measured [dBm]';
COMMENT ON COLUMN "concentrator_link"."rssi_dbm" IS 'received signal strength [dBm]';
COMMENT ON COLUMN "concentrator_link"."frames_sent" IS 'frames of the interval, repetitions included';
COMMENT ON COLUMN "concentrator_link"."frames_lost" IS 'those of them without an acknowledgement';
COMMENT ON COLUMN "concentrator_link"."reachable" IS 'whether the node answered within the interval';
COMMENT ON COLUMN "concentrator_link"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "concentrator_link"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
