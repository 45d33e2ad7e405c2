CREATE TABLE IF NOT EXISTS "igmp" (
  "time" timestamptz NOT NULL,
  "switch" text NOT NULL,
  "port" text NOT NULL,
  "vlan" integer,
  "source" text NOT NULL,
  "type" text NOT NULL,
  "group" text,
  "max_response_s" double precision,
  "version" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "igmp"."time" IS 'when it came in';
COMMENT ON COLUMN "igmp"."switch" IS 'access switch';
COMMENT ON COLUMN "igmp"."port" IS 'port at which it came in';
COMMENT ON COLUMN "igmp"."vlan" IS 'VLAN identifier';
COMMENT ON COLUMN "igmp"."source" IS 'IP address of the sender';
COMMENT ON COLUMN "igmp"."type" IS 'general query; query of one group (and sources); report: joins or keeps; leave: leaves or blocks';
COMMENT ON COLUMN "igmp"."group" IS 'group address; absent in a general query';
COMMENT ON COLUMN "igmp"."max_response_s" IS 'maximum response time of a query; 0 in IGMPv1 [s]';
COMMENT ON COLUMN "igmp"."version" IS 'version of IGMP';
COMMENT ON COLUMN "igmp"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "igmp"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
