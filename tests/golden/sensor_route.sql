CREATE TABLE IF NOT EXISTS "sensor_route" (
  "time" timestamptz NOT NULL,
  "network" text NOT NULL,
  "node" text NOT NULL,
  "parent" text,
  "rank" integer,
  "hops" integer,
  "etx" double precision,
  "rssi_dbm" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "sensor_route"."time" IS 'time of the report';
COMMENT ON COLUMN "sensor_route"."network" IS 'sensor network: the PAN or DODAG of one border router';
COMMENT ON COLUMN "sensor_route"."node" IS 'node that reports';
COMMENT ON COLUMN "sensor_route"."parent" IS 'its preferred parent; absent for the root';
COMMENT ON COLUMN "sensor_route"."rank" IS 'rank that it advertises (RFC 6550 section 3.5; the root has MinHopRankIncrease, 256 by default)';
COMMENT ON COLUMN "sensor_route"."hops" IS 'hops to the root';
COMMENT ON COLUMN "sensor_route"."etx" IS 'expected transmissions of a frame to the parent (RFC 6551), 1 is a perfect link';
COMMENT ON COLUMN "sensor_route"."rssi_dbm" IS 'signal strength of the parent at the node [dBm]';
COMMENT ON COLUMN "sensor_route"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "sensor_route"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
