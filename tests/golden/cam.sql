CREATE TABLE IF NOT EXISTS "cam" (
  "time" timestamptz NOT NULL,
  "receiver" text NOT NULL,
  "station" text NOT NULL,
  "received" timestamptz,
  "station_type" integer,
  "message_count" integer,
  "latitude" double precision NOT NULL,
  "longitude" double precision NOT NULL,
  "position_confidence_m" double precision,
  "speed_ms" double precision,
  "heading_deg" double precision,
  "acceleration_ms2" double precision,
  "backward" boolean,
  "length_m" double precision,
  "width_m" double precision,
  "signature" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "cam"."time" IS 'generation time of the message';
COMMENT ON COLUMN "cam"."receiver" IS 'roadside unit or vehicle that heard it';
COMMENT ON COLUMN "cam"."station" IS 'station id or temporary id (pseudonym) of the sender';
COMMENT ON COLUMN "cam"."received" IS 'when the receiver heard it';
COMMENT ON COLUMN "cam"."station_type" IS 'ETSI TS 102 894-2 StationType, 5 passenger car, 15 roadside unit';
COMMENT ON COLUMN "cam"."message_count" IS 'message count modulo 128 (BSM msgCnt)';
COMMENT ON COLUMN "cam"."latitude" IS 'WGS 84 latitude [deg]';
COMMENT ON COLUMN "cam"."longitude" IS 'WGS 84 longitude [deg]';
COMMENT ON COLUMN "cam"."position_confidence_m" IS 'radius that holds the position with 95 % [m]';
COMMENT ON COLUMN "cam"."speed_ms" IS 'speed over ground [m/s]';
COMMENT ON COLUMN "cam"."heading_deg" IS 'heading from north, clockwise [deg]';
COMMENT ON COLUMN "cam"."acceleration_ms2" IS 'longitudinal acceleration [m/s2]';
COMMENT ON COLUMN "cam"."backward" IS 'drive direction: True is backward';
COMMENT ON COLUMN "cam"."length_m" IS 'vehicle length [m]';
COMMENT ON COLUMN "cam"."width_m" IS 'vehicle width [m]';
COMMENT ON COLUMN "cam"."signature" IS 'signature status: valid, invalid, absent or unchecked';
COMMENT ON COLUMN "cam"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "cam"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
