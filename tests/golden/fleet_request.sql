CREATE TABLE IF NOT EXISTS "fleet_request" (
  "time" timestamptz NOT NULL,
  "backend" text NOT NULL,
  "account" text NOT NULL,
  "host" text NOT NULL,
  "country" text,
  "vehicle" text,
  "action" text NOT NULL,
  "result" text NOT NULL,
  "owned" boolean,
  "records" bigint,
  "work_order" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "fleet_request"."time" IS 'when it came';
COMMENT ON COLUMN "fleet_request"."backend" IS 'back-end of the fleet';
COMMENT ON COLUMN "fleet_request"."account" IS 'account, token or key under which it came';
COMMENT ON COLUMN "fleet_request"."host" IS 'IP address that it came from';
COMMENT ON COLUMN "fleet_request"."country" IS 'country of that address (ISO 3166-1, two letters)';
COMMENT ON COLUMN "fleet_request"."vehicle" IS 'vehicle concerned; absent for log-ons and lists';
COMMENT ON COLUMN "fleet_request"."action" IS 'what is asked for';
COMMENT ON COLUMN "fleet_request"."result" IS 'what came of it';
COMMENT ON COLUMN "fleet_request"."owned" IS 'whether the account holds rights on the vehicle';
COMMENT ON COLUMN "fleet_request"."records" IS 'records handed out';
COMMENT ON COLUMN "fleet_request"."work_order" IS 'order or campaign that justifies it';
COMMENT ON COLUMN "fleet_request"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "fleet_request"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
