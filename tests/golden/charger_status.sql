CREATE TABLE IF NOT EXISTS "charger_status" (
  "time" timestamptz NOT NULL,
  "fleet" text NOT NULL,
  "charger" text NOT NULL,
  "connector" integer,
  "status" text NOT NULL,
  "error" text,
  "power_kw" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "charger_status"."time" IS 'when the charger saw it';
COMMENT ON COLUMN "charger_status"."fleet" IS 'charging back-end';
COMMENT ON COLUMN "charger_status"."charger" IS 'charging station';
COMMENT ON COLUMN "charger_status"."connector" IS 'connector; 0 is the station itself';
COMMENT ON COLUMN "charger_status"."status" IS 'ChargePointStatus';
COMMENT ON COLUMN "charger_status"."error" IS 'ChargePointErrorCode';
COMMENT ON COLUMN "charger_status"."power_kw" IS 'power drawn; feeding in is negative [kW]';
COMMENT ON COLUMN "charger_status"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "charger_status"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
