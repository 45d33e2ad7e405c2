CREATE TABLE IF NOT EXISTS "map" (
  "time" timestamptz NOT NULL,
  "intersection" text NOT NULL,
  "receiver" text NOT NULL,
  "station" text,
  "certificate" text,
  "revision" integer NOT NULL,
  "lane_hash" text NOT NULL,
  "lanes" integer,
  "signature" text NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "map"."time" IS 'when the receiver heard it';
COMMENT ON COLUMN "map"."intersection" IS 'intersection id, behind its region''s where there is one';
COMMENT ON COLUMN "map"."receiver" IS 'roadside unit or vehicle that heard it';
COMMENT ON COLUMN "map"."station" IS 'station id of the sender';
COMMENT ON COLUMN "map"."certificate" IS 'digest of the signing certificate, hexadecimal';
COMMENT ON COLUMN "map"."revision" IS 'revision of the intersection''s geometry, modulo 128';
COMMENT ON COLUMN "map"."lane_hash" IS 'digest of lanes and connections, hexadecimal';
COMMENT ON COLUMN "map"."lanes" IS 'number of lanes';
COMMENT ON COLUMN "map"."signature" IS 'verdict';
COMMENT ON COLUMN "map"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "map"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
