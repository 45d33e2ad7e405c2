CREATE TABLE IF NOT EXISTS "mobile_usage" (
  "time" timestamptz NOT NULL,
  "platform" text NOT NULL,
  "imsi" text NOT NULL,
  "interval_s" integer NOT NULL,
  "sms_out" integer,
  "calls_out" integer,
  "premium_numbers" integer,
  "bytes_up" bigint,
  "bytes_down" bigint,
  "dns_queries" integer,
  "dns_nxdomain" integer,
  "destinations" text[],
  "apn" text,
  "fixed" boolean,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "mobile_usage"."time" IS 'end of the interval';
COMMENT ON COLUMN "mobile_usage"."platform" IS 'operator''s core or SIM platform, or a fixed part of its subscribers; all records of one IMSI are in one';
COMMENT ON COLUMN "mobile_usage"."imsi" IS 'subscriber identity of the SIM, 6 to 15 digits';
COMMENT ON COLUMN "mobile_usage"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "mobile_usage"."sms_out" IS 'short messages sent';
COMMENT ON COLUMN "mobile_usage"."calls_out" IS 'calls begun';
COMMENT ON COLUMN "mobile_usage"."premium_numbers" IS 'different premium-rate numbers called or written to';
COMMENT ON COLUMN "mobile_usage"."bytes_up" IS 'data sent [B]';
COMMENT ON COLUMN "mobile_usage"."bytes_down" IS 'data received [B]';
COMMENT ON COLUMN "mobile_usage"."dns_queries" IS 'DNS queries';
COMMENT ON COLUMN "mobile_usage"."dns_nxdomain" IS 'of them answered by NXDOMAIN';
COMMENT ON COLUMN "mobile_usage"."destinations" IS 'addresses that data went to';
COMMENT ON COLUMN "mobile_usage"."apn" IS 'access point name';
COMMENT ON COLUMN "mobile_usage"."fixed" IS 'True where the SIM belongs to an asset that stays at its place with its modem, e.g. a meter';
COMMENT ON COLUMN "mobile_usage"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "mobile_usage"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
