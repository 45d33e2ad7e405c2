CREATE TABLE IF NOT EXISTS "rsu_radio" (
  "time" timestamptz NOT NULL,
  "receiver" text NOT NULL,
  "channel" integer,
  "interval_s" double precision NOT NULL,
  "busy_ratio" double precision NOT NULL,
  "noise_dbm" double precision,
  "received" bigint NOT NULL,
  "crc_errors" bigint,
  "stations" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "rsu_radio"."time" IS 'end of the interval';
COMMENT ON COLUMN "rsu_radio"."receiver" IS 'roadside unit or vehicle';
COMMENT ON COLUMN "rsu_radio"."channel" IS 'channel number, e.g. 180 (ITS-G5) or 183';
COMMENT ON COLUMN "rsu_radio"."interval_s" IS 'length of the interval [s]';
COMMENT ON COLUMN "rsu_radio"."busy_ratio" IS 'channel busy ratio (ETSI TS 102 687)';
COMMENT ON COLUMN "rsu_radio"."noise_dbm" IS 'noise floor [dBm]';
COMMENT ON COLUMN "rsu_radio"."received" IS 'frames received without an error';
COMMENT ON COLUMN "rsu_radio"."crc_errors" IS 'frames with a wrong check sum';
COMMENT ON COLUMN "rsu_radio"."stations" IS 'stations heard';
COMMENT ON COLUMN "rsu_radio"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "rsu_radio"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
