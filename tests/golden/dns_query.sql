CREATE TABLE IF NOT EXISTS "dns_query" (
  "time" timestamptz NOT NULL,
  "home" text NOT NULL,
  "device" text NOT NULL,
  "name" text NOT NULL,
  "type" text,
  "result" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "dns_query"."time" IS 'when it was asked';
COMMENT ON COLUMN "dns_query"."home" IS 'home: its gateway';
COMMENT ON COLUMN "dns_query"."device" IS 'device that asked: MAC address where it is known';
COMMENT ON COLUMN "dns_query"."name" IS 'name that was asked for, without the last dot';
COMMENT ON COLUMN "dns_query"."type" IS 'record type that was asked for, e.g. AAAA';
COMMENT ON COLUMN "dns_query"."result" IS 'response code (RFC 1035, RFC 6895) in words; timeout without an answer';
COMMENT ON COLUMN "dns_query"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "dns_query"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
