CREATE TABLE IF NOT EXISTS "goose" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "source_mac" text NOT NULL,
  "destination_mac" text NOT NULL,
  "vlan" integer,
  "appid" integer NOT NULL,
  "control_block" text NOT NULL,
  "dataset" text NOT NULL,
  "go_id" text,
  "state_time" timestamptz,
  "st_num" bigint NOT NULL,
  "sq_num" bigint NOT NULL,
  "conf_rev" bigint,
  "allowed_to_live_ms" bigint,
  "simulation" boolean NOT NULL,
  "needs_commissioning" boolean NOT NULL,
  "values" text[],
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "goose"."time" IS 'when the frame was seen';
COMMENT ON COLUMN "goose"."site" IS 'substation the tap stands in';
COMMENT ON COLUMN "goose"."source_mac" IS 'publisher MAC address, lower case with colons';
COMMENT ON COLUMN "goose"."destination_mac" IS 'destination multicast MAC address';
COMMENT ON COLUMN "goose"."vlan" IS 'VLAN identifier';
COMMENT ON COLUMN "goose"."appid" IS 'application identifier';
COMMENT ON COLUMN "goose"."control_block" IS 'GOOSE control block reference (gocbRef)';
COMMENT ON COLUMN "goose"."dataset" IS 'data set reference (datSet)';
COMMENT ON COLUMN "goose"."go_id" IS 'GOOSE identifier (goID)';
COMMENT ON COLUMN "goose"."state_time" IS 'time of the last state change (t)';
COMMENT ON COLUMN "goose"."st_num" IS 'state number';
COMMENT ON COLUMN "goose"."sq_num" IS 'sequence number';
COMMENT ON COLUMN "goose"."conf_rev" IS 'configuration revision';
COMMENT ON COLUMN "goose"."allowed_to_live_ms" IS 'timeAllowedtoLive [ms]';
COMMENT ON COLUMN "goose"."simulation" IS 'simulation (test) flag';
COMMENT ON COLUMN "goose"."needs_commissioning" IS 'ndsCom flag';
COMMENT ON COLUMN "goose"."values" IS 'data set values in order, as text';
COMMENT ON COLUMN "goose"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "goose"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
