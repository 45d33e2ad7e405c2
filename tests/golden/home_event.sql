CREATE TABLE IF NOT EXISTS "home_event" (
  "time" timestamptz NOT NULL,
  "home" text NOT NULL,
  "event" text NOT NULL,
  "device" text NOT NULL,
  "device_kind" text,
  "requester" text,
  "result" text,
  "external_port" integer,
  "internal_port" integer,
  "command" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "home_event"."time" IS 'when it happened';
COMMENT ON COLUMN "home_event"."home" IS 'home: its gateway';
COMMENT ON COLUMN "home_event"."event" IS 'port map made or removed by UPnP or PCP (RFC 6887); log-in at a device; command to a device';
COMMENT ON COLUMN "home_event"."device" IS 'device concerned: its MAC address where the gateway knows it, so that a new lease is no new device';
COMMENT ON COLUMN "home_event"."device_kind" IS 'what the device is';
COMMENT ON COLUMN "home_event"."requester" IS 'who asked: address of the host, or id of the controller, app or account';
COMMENT ON COLUMN "home_event"."result" IS 'what came of it';
COMMENT ON COLUMN "home_event"."external_port" IS 'mapped port outside';
COMMENT ON COLUMN "home_event"."internal_port" IS 'mapped port of the device';
COMMENT ON COLUMN "home_event"."command" IS 'what the device was told to do';
COMMENT ON COLUMN "home_event"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "home_event"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
