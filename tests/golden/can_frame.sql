CREATE TABLE IF NOT EXISTS "can_frame" (
  "time" timestamptz NOT NULL,
  "vehicle" text NOT NULL,
  "channel" text NOT NULL,
  "can_id" bigint NOT NULL,
  "extended" boolean NOT NULL,
  "remote" boolean NOT NULL,
  "error" boolean NOT NULL,
  "dlc" integer NOT NULL,
  "data" bytea NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "can_frame"."time" IS 'when the frame was seen';
COMMENT ON COLUMN "can_frame"."vehicle" IS 'vehicle the bus belongs to';
COMMENT ON COLUMN "can_frame"."channel" IS 'bus, e.g. can0';
COMMENT ON COLUMN "can_frame"."can_id" IS 'identifier, 11 or 29 bits';
COMMENT ON COLUMN "can_frame"."extended" IS 'True for a 29-bit identifier';
COMMENT ON COLUMN "can_frame"."remote" IS 'remote transmission request';
COMMENT ON COLUMN "can_frame"."error" IS 'error frame';
COMMENT ON COLUMN "can_frame"."dlc" IS 'length of the data [bytes]';
COMMENT ON COLUMN "can_frame"."data" IS 'data, at most 64 bytes';
COMMENT ON COLUMN "can_frame"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "can_frame"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
