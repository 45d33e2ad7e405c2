CREATE TABLE IF NOT EXISTS "mobile_signalling" (
  "time" timestamptz NOT NULL,
  "platform" text NOT NULL,
  "imsi" text NOT NULL,
  "imei" text,
  "procedure" text NOT NULL,
  "cause" integer,
  "cell" text,
  "latitude" double precision,
  "longitude" double precision,
  "apn" text,
  "fixed" boolean,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "mobile_signalling"."time" IS 'when it was carried out';
COMMENT ON COLUMN "mobile_signalling"."platform" IS 'operator''s core or SIM platform, or a fixed part of its subscribers; all records of one IMSI are in one';
COMMENT ON COLUMN "mobile_signalling"."imsi" IS 'subscriber identity of the SIM, 6 to 15 digits';
COMMENT ON COLUMN "mobile_signalling"."imei" IS 'identity of the device, 14 to 16 digits';
COMMENT ON COLUMN "mobile_signalling"."procedure" IS 'what was carried out; tracking_area_update is any kind of location update, session that of a data session';
COMMENT ON COLUMN "mobile_signalling"."cause" IS 'EMM or ESM cause of a rejection (3GPP TS 24.301 section 9.9.3.9); absent or 0 where it was accepted';
COMMENT ON COLUMN "mobile_signalling"."cell" IS 'cell identity, e.g. ECGI';
COMMENT ON COLUMN "mobile_signalling"."latitude" IS 'WGS 84 latitude of the cell [deg]';
COMMENT ON COLUMN "mobile_signalling"."longitude" IS 'WGS 84 longitude of the cell [deg]';
COMMENT ON COLUMN "mobile_signalling"."apn" IS 'access point name';
COMMENT ON COLUMN "mobile_signalling"."fixed" IS 'True where the SIM belongs to an asset that stays at its place with its modem, e.g. a meter';
COMMENT ON COLUMN "mobile_signalling"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "mobile_signalling"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
