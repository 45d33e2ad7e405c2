CREATE TABLE IF NOT EXISTS "ota_event" (
  "time" timestamptz NOT NULL,
  "backend" text NOT NULL,
  "vehicle" text NOT NULL,
  "ecu" text,
  "region" text,
  "event" text NOT NULL,
  "result" text NOT NULL,
  "error" text,
  "campaign" text,
  "work_order" text,
  "version" text,
  "release_counter" bigint,
  "image_hash" text,
  "targets_version" bigint,
  "snapshot_version" bigint,
  "timestamp_version" bigint,
  "timestamp_expiry" timestamptz,
  "rate" double precision,
  "duration_s" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "ota_event"."time" IS 'when the server learned it';
COMMENT ON COLUMN "ota_event"."backend" IS 'update server';
COMMENT ON COLUMN "ota_event"."vehicle" IS 'vehicle';
COMMENT ON COLUMN "ota_event"."ecu" IS 'control unit; absent for what concerns the vehicle alone';
COMMENT ON COLUMN "ota_event"."region" IS 'region or mirror that serves the vehicle';
COMMENT ON COLUMN "ota_event"."event" IS 'check: metadata fetched; download: an image, in progress or ended; install: ended; report: what runs';
COMMENT ON COLUMN "ota_event"."result" IS 'what came of it; going_on for a download that has not ended';
COMMENT ON COLUMN "ota_event"."error" IS 'why it failed, as the vehicle''s verification says';
COMMENT ON COLUMN "ota_event"."campaign" IS 'campaign that the step belongs to';
COMMENT ON COLUMN "ota_event"."work_order" IS 'workshop''s order, where the software came by cable';
COMMENT ON COLUMN "ota_event"."version" IS 'version of the software, installed or to be';
COMMENT ON COLUMN "ota_event"."release_counter" IS 'release counter of the image';
COMMENT ON COLUMN "ota_event"."image_hash" IS 'hash of the image, hexadecimal';
COMMENT ON COLUMN "ota_event"."targets_version" IS 'version of the targets metadata that the vehicle has now';
COMMENT ON COLUMN "ota_event"."snapshot_version" IS 'version of the snapshot metadata';
COMMENT ON COLUMN "ota_event"."timestamp_version" IS 'version of the timestamp metadata';
COMMENT ON COLUMN "ota_event"."timestamp_expiry" IS 'when the timestamp metadata expire';
COMMENT ON COLUMN "ota_event"."rate" IS 'mean rate of the download so far [byte/s]';
COMMENT ON COLUMN "ota_event"."duration_s" IS 'time that the download took so far [s]';
COMMENT ON COLUMN "ota_event"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "ota_event"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
