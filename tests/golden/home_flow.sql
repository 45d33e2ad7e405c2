CREATE TABLE IF NOT EXISTS "home_flow" (
  "time" timestamptz NOT NULL,
  "home" text NOT NULL,
  "device" text NOT NULL,
  "device_kind" text,
  "direction" text NOT NULL,
  "peer" text NOT NULL,
  "peer_name" text,
  "port" integer,
  "protocol" text NOT NULL,
  "bytes_out" bigint,
  "bytes_in" bigint,
  "packets" bigint,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "home_flow"."time" IS 'when the flow began';
COMMENT ON COLUMN "home_flow"."home" IS 'home: its gateway';
COMMENT ON COLUMN "home_flow"."device" IS 'device of the home: its MAC address where the gateway knows it, so that a new lease is no new device';
COMMENT ON COLUMN "home_flow"."device_kind" IS 'what the device is';
COMMENT ON COLUMN "home_flow"."direction" IS 'outbound: the device opened it to the outside; inbound: the outside to the device; internal: to another device';
COMMENT ON COLUMN "home_flow"."peer" IS 'address of the other end';
COMMENT ON COLUMN "home_flow"."peer_name" IS 'name that the device had looked up for that address';
COMMENT ON COLUMN "home_flow"."port" IS 'port of the side that was called; absent for protocols without ports';
COMMENT ON COLUMN "home_flow"."protocol" IS 'transport';
COMMENT ON COLUMN "home_flow"."bytes_out" IS 'sent by the device [B]';
COMMENT ON COLUMN "home_flow"."bytes_in" IS 'sent to the device [B]';
COMMENT ON COLUMN "home_flow"."packets" IS 'packets of both directions';
COMMENT ON COLUMN "home_flow"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "home_flow"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
