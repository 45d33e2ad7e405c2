CREATE TABLE IF NOT EXISTS "uds" (
  "time" timestamptz NOT NULL,
  "vehicle" text NOT NULL,
  "channel" text,
  "tester" text NOT NULL,
  "ecu" text NOT NULL,
  "service" integer NOT NULL,
  "subfunction" integer,
  "identifier" integer,
  "nrc" integer,
  "speed_ms" double precision,
  "ticket" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "uds"."time" IS 'when the answer came, or was given up';
COMMENT ON COLUMN "uds"."vehicle" IS 'vehicle that is diagnosed';
COMMENT ON COLUMN "uds"."channel" IS 'way in: bus, connector or radio, e.g. obd, telematics';
COMMENT ON COLUMN "uds"."tester" IS 'who asks: source address, certificate or account of the tester';
COMMENT ON COLUMN "uds"."ecu" IS 'control unit that is asked';
COMMENT ON COLUMN "uds"."service" IS 'service identifier of the request, e.g. 39 (0x27) SecurityAccess';
COMMENT ON COLUMN "uds"."subfunction" IS 'sub-function without the bit that suppresses the answer';
COMMENT ON COLUMN "uds"."identifier" IS 'data or routine identifier';
COMMENT ON COLUMN "uds"."nrc" IS 'negative response code; absent after a positive answer or none';
COMMENT ON COLUMN "uds"."speed_ms" IS 'speed of the vehicle at that time [m/s]';
COMMENT ON COLUMN "uds"."ticket" IS 'order of the workshop under which the tester works';
COMMENT ON COLUMN "uds"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "uds"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
