CREATE TABLE IF NOT EXISTS "ts_monitor" (
  "time" timestamptz NOT NULL,
  "headend" text NOT NULL,
  "group" text NOT NULL,
  "pid" integer NOT NULL,
  "interval_s" double precision NOT NULL,
  "continuity_errors" bigint,
  "pat_version" integer,
  "pmt_version" integer,
  "scrambling" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "ts_monitor"."time" IS 'end of the interval';
COMMENT ON COLUMN "ts_monitor"."headend" IS 'head-end that the group belongs to';
COMMENT ON COLUMN "ts_monitor"."group" IS 'group address';
COMMENT ON COLUMN "ts_monitor"."pid" IS 'packet identifier';
COMMENT ON COLUMN "ts_monitor"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "ts_monitor"."continuity_errors" IS 'continuity count errors';
COMMENT ON COLUMN "ts_monitor"."pat_version" IS 'version of the programme association';
COMMENT ON COLUMN "ts_monitor"."pmt_version" IS 'version of the programme map';
COMMENT ON COLUMN "ts_monitor"."scrambling" IS 'transport_scrambling_control of most packets: 0 is clear, 2 and 3 are the even and the odd key';
COMMENT ON COLUMN "ts_monitor"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "ts_monitor"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
