CREATE TABLE IF NOT EXISTS "key_request" (
  "time" timestamptz NOT NULL,
  "key_server" text NOT NULL,
  "account" text NOT NULL,
  "device" text NOT NULL,
  "client" text NOT NULL,
  "service" text NOT NULL,
  "result" text NOT NULL,
  "latitude" double precision,
  "longitude" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "key_request"."time" IS 'when it came';
COMMENT ON COLUMN "key_request"."key_server" IS 'key server, or the cluster that serves one set of accounts';
COMMENT ON COLUMN "key_request"."account" IS 'subscriber''s account';
COMMENT ON COLUMN "key_request"."device" IS 'set-top box or player';
COMMENT ON COLUMN "key_request"."client" IS 'IP address that the request came from';
COMMENT ON COLUMN "key_request"."service" IS 'channel or title whose key is asked for';
COMMENT ON COLUMN "key_request"."result" IS 'what came of it';
COMMENT ON COLUMN "key_request"."latitude" IS 'WGS 84 latitude of the client, by its address [deg]';
COMMENT ON COLUMN "key_request"."longitude" IS 'WGS 84 longitude of the client, by its address [deg]';
COMMENT ON COLUMN "key_request"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "key_request"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
