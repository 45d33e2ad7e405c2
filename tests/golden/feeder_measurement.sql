CREATE TABLE IF NOT EXISTS "feeder_measurement" (
  "time" timestamptz NOT NULL,
  "transformer" text NOT NULL,
  "feeder" text,
  "energy_kwh" double precision NOT NULL,
  "interval_s" integer NOT NULL,
  "power_kw" double precision,
  "voltage_v" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "feeder_measurement"."time" IS 'end of the interval';
COMMENT ON COLUMN "feeder_measurement"."transformer" IS 'distribution transformer that is measured, by the name that its meters give';
COMMENT ON COLUMN "feeder_measurement"."feeder" IS 'feeder of that transformer';
COMMENT ON COLUMN "feeder_measurement"."energy_kwh" IS 'energy of the interval towards the customers [kWh]';
COMMENT ON COLUMN "feeder_measurement"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "feeder_measurement"."power_kw" IS 'active power at its end [kW]';
COMMENT ON COLUMN "feeder_measurement"."voltage_v" IS 'RMS voltage, mean of the phases [V]';
COMMENT ON COLUMN "feeder_measurement"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "feeder_measurement"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
