CREATE TABLE IF NOT EXISTS "multicast_flow" (
  "time" timestamptz NOT NULL,
  "headend" text NOT NULL,
  "group" text NOT NULL,
  "source" text NOT NULL,
  "interval_s" double precision NOT NULL,
  "packets" bigint NOT NULL,
  "bytes" bigint,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "multicast_flow"."time" IS 'end of the interval';
COMMENT ON COLUMN "multicast_flow"."headend" IS 'head-end that the group belongs to';
COMMENT ON COLUMN "multicast_flow"."group" IS 'group address';
COMMENT ON COLUMN "multicast_flow"."source" IS 'IP address of the sender';
COMMENT ON COLUMN "multicast_flow"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "multicast_flow"."packets" IS 'packets in the interval';
COMMENT ON COLUMN "multicast_flow"."bytes" IS 'bytes in the interval [B]';
COMMENT ON COLUMN "multicast_flow"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "multicast_flow"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
