CREATE TABLE IF NOT EXISTS "firmware_report" (
  "time" timestamptz NOT NULL,
  "headend" text NOT NULL,
  "device" text NOT NULL,
  "model" text,
  "version" text NOT NULL,
  "image_status" integer NOT NULL,
  "image_hash" text,
  "campaign" text,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "firmware_report"."time" IS 'when the head-end learned it';
COMMENT ON COLUMN "firmware_report"."headend" IS 'head-end that reports it';
COMMENT ON COLUMN "firmware_report"."device" IS 'meter or concentrator';
COMMENT ON COLUMN "firmware_report"."model" IS 'maker''s type of the device';
COMMENT ON COLUMN "firmware_report"."version" IS 'version that runs, or that the image brings';
COMMENT ON COLUMN "firmware_report"."image_status" IS 'ImageTransferStatus: 0 none, 1 initiated, 2 and 3 verification initiated and successful, 4 failed, 5 and 6 activation initiated and successful, 7 failed';
COMMENT ON COLUMN "firmware_report"."image_hash" IS 'hash of the image, hexadecimal';
COMMENT ON COLUMN "firmware_report"."campaign" IS 'roll-out that the transfer belongs to';
COMMENT ON COLUMN "firmware_report"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "firmware_report"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
