CREATE TABLE IF NOT EXISTS "der_command" (
  "time" timestamptz NOT NULL,
  "fleet" text NOT NULL,
  "source" text NOT NULL,
  "device" text NOT NULL,
  "command" text NOT NULL,
  "setpoint_kw" double precision,
  "event" text,
  "result" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "der_command"."time" IS 'when it was sent';
COMMENT ON COLUMN "der_command"."fleet" IS 'fleet, charging back-end or feeder that the device belongs to';
COMMENT ON COLUMN "der_command"."source" IS 'account or host that gave it';
COMMENT ON COLUMN "der_command"."device" IS 'device addressed';
COMMENT ON COLUMN "der_command"."command" IS 'what the device is told; start, stop, profile, availability and reset are OCPP''s RemoteStartTransaction, RemoteStopTransaction, SetChargingProfile, ChangeAvailability and Reset';
COMMENT ON COLUMN "der_command"."setpoint_kw" IS 'power or limit that is set; feeding in is negative [kW]';
COMMENT ON COLUMN "der_command"."event" IS 'market event or order that justifies it';
COMMENT ON COLUMN "der_command"."result" IS 'what came of it';
COMMENT ON COLUMN "der_command"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "der_command"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
