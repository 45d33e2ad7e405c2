CREATE TABLE IF NOT EXISTS "denm" (
  "time" timestamptz NOT NULL,
  "receiver" text NOT NULL,
  "station" text NOT NULL,
  "originator" text NOT NULL,
  "sequence_number" integer NOT NULL,
  "generation_time" timestamptz,
  "certificate" text,
  "station_type" integer,
  "detection_time" timestamptz NOT NULL,
  "reference_time" timestamptz NOT NULL,
  "termination" text,
  "event_latitude" double precision,
  "event_longitude" double precision,
  "cause_code" integer,
  "sub_cause_code" integer,
  "information_quality" integer,
  "event_speed_ms" double precision,
  "event_heading_deg" double precision,
  "road_type" integer,
  "relevance_m" double precision,
  "validity_s" double precision,
  "interval_s" double precision,
  "signature" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "denm"."time" IS 'when the receiver heard it';
COMMENT ON COLUMN "denm"."receiver" IS 'roadside unit or vehicle that heard it';
COMMENT ON COLUMN "denm"."station" IS 'station id of the sender (header)';
COMMENT ON COLUMN "denm"."originator" IS 'station id that created the event (actionID)';
COMMENT ON COLUMN "denm"."sequence_number" IS 'number of the event there (actionID)';
COMMENT ON COLUMN "denm"."generation_time" IS 'generation time of the security header';
COMMENT ON COLUMN "denm"."certificate" IS 'digest of the signing certificate, hexadecimal';
COMMENT ON COLUMN "denm"."station_type" IS 'ETSI TS 102 894-2 StationType, e.g. 5, 15';
COMMENT ON COLUMN "denm"."detection_time" IS 'when the event, or its change, was detected';
COMMENT ON COLUMN "denm"."reference_time" IS 'when this state of the warning was made; repetitions keep it';
COMMENT ON COLUMN "denm"."termination" IS 'end of the warning: by its originator, or by somebody else';
COMMENT ON COLUMN "denm"."event_latitude" IS 'where the event is, WGS 84 [deg]';
COMMENT ON COLUMN "denm"."event_longitude" IS 'where the event is, WGS 84 [deg]';
COMMENT ON COLUMN "denm"."cause_code" IS 'ETSI TS 102 894-2 CauseCode, e.g. 3 roadworks, 94';
COMMENT ON COLUMN "denm"."sub_cause_code" IS 'its SubCauseCode';
COMMENT ON COLUMN "denm"."information_quality" IS '0 unavailable, 1 lowest to 7 highest';
COMMENT ON COLUMN "denm"."event_speed_ms" IS 'speed of the event [m/s]';
COMMENT ON COLUMN "denm"."event_heading_deg" IS 'direction of the event from north, clockwise [deg]';
COMMENT ON COLUMN "denm"."road_type" IS 'RoadType: 0 and 1 urban, 2 and 3 not';
COMMENT ON COLUMN "denm"."relevance_m" IS 'distance within which it matters [m]';
COMMENT ON COLUMN "denm"."validity_s" IS 'how long it holds [s]';
COMMENT ON COLUMN "denm"."interval_s" IS 'declared time between repetitions [s]';
COMMENT ON COLUMN "denm"."signature" IS 'verdict';
COMMENT ON COLUMN "denm"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "denm"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
