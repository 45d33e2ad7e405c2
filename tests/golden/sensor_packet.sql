CREATE TABLE IF NOT EXISTS "sensor_packet" (
  "time" timestamptz NOT NULL,
  "network" text NOT NULL,
  "node" text NOT NULL,
  "sequence" bigint NOT NULL,
  "parent" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "sensor_packet"."time" IS 'when the sink received it';
COMMENT ON COLUMN "sensor_packet"."network" IS 'sensor network: the PAN or DODAG of one border router';
COMMENT ON COLUMN "sensor_packet"."node" IS 'node that sent it';
COMMENT ON COLUMN "sensor_packet"."sequence" IS 'sequence number of the node''s data packets, of whatever width; one that goes back is a wrap or a restart';
COMMENT ON COLUMN "sensor_packet"."parent" IS 'the node''s preferred parent at that time, as the border router knows its routes (RFC 6550 section 9.7)';
COMMENT ON COLUMN "sensor_packet"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "sensor_packet"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
