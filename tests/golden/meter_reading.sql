CREATE TABLE IF NOT EXISTS "meter_reading" (
  "time" timestamptz NOT NULL,
  "meter" text NOT NULL,
  "transformer" text NOT NULL,
  "register_kwh" double precision NOT NULL,
  "interval_kwh" double precision,
  "interval_s" integer,
  "voltage_v" double precision,
  "current_a" double precision,
  "power_factor" double precision,
  "frequency_hz" double precision,
  "status" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "meter_reading"."time" IS 'end of the interval by the meter''s clock';
COMMENT ON COLUMN "meter_reading"."meter" IS 'meter identifier';
COMMENT ON COLUMN "meter_reading"."transformer" IS 'distribution transformer that feeds the meter';
COMMENT ON COLUMN "meter_reading"."register_kwh" IS 'cumulative import register (OBIS 1.0.1.8.0) [kWh]';
COMMENT ON COLUMN "meter_reading"."interval_kwh" IS 'energy of the interval that ends here [kWh]';
COMMENT ON COLUMN "meter_reading"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "meter_reading"."voltage_v" IS 'RMS voltage, mean of the phases [V]';
COMMENT ON COLUMN "meter_reading"."current_a" IS 'RMS current, sum of the phases [A]';
COMMENT ON COLUMN "meter_reading"."power_factor" IS 'power factor, 0 to 1';
COMMENT ON COLUMN "meter_reading"."frequency_hz" IS 'mains frequency [Hz]';
COMMENT ON COLUMN "meter_reading"."status" IS 'status word of the profile entry (OBIS 0.0.96.10.1), bits by profile';
COMMENT ON COLUMN "meter_reading"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "meter_reading"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
