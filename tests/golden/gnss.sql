CREATE TABLE IF NOT EXISTS "gnss" (
  "time" timestamptz NOT NULL,
  "receiver" text NOT NULL,
  "fix" text NOT NULL,
  "latitude" double precision,
  "longitude" double precision,
  "speed_ms" double precision,
  "wheel_speed_ms" double precision,
  "cn0_mean_dbhz" double precision,
  "cn0_std_db" double precision,
  "agc_percent" double precision,
  "satellites" integer,
  "clock_bias_s" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "gnss"."time" IS 'time of the measurement by the station''s own clock';
COMMENT ON COLUMN "gnss"."receiver" IS 'roadside unit or vehicle whose navigation it is';
COMMENT ON COLUMN "gnss"."fix" IS 'kind of fix';
COMMENT ON COLUMN "gnss"."latitude" IS 'WGS 84 latitude [deg]';
COMMENT ON COLUMN "gnss"."longitude" IS 'WGS 84 longitude [deg]';
COMMENT ON COLUMN "gnss"."speed_ms" IS 'speed over ground by satellites [m/s]';
COMMENT ON COLUMN "gnss"."wheel_speed_ms" IS 'speed that the wheels measure at that time [m/s]';
COMMENT ON COLUMN "gnss"."cn0_mean_dbhz" IS 'mean carrier to noise density of the satellites [dB-Hz]';
COMMENT ON COLUMN "gnss"."cn0_std_db" IS 'standard deviation of it over the satellites [dB-Hz]';
COMMENT ON COLUMN "gnss"."agc_percent" IS 'gain of the input amplifier, of its range [%]';
COMMENT ON COLUMN "gnss"."satellites" IS 'satellites used';
COMMENT ON COLUMN "gnss"."clock_bias_s" IS 'offset of the receiver''s clock from satellite time [s]';
COMMENT ON COLUMN "gnss"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "gnss"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
