CREATE TABLE IF NOT EXISTS "deadletter" (
  "time" timestamptz NOT NULL,
  "stage" text NOT NULL,
  "reason" text NOT NULL,
  "detail" text,
  "topic" text,
  "partition" integer,
  "offset" bigint,
  "capture" text,
  "frame" bigint,
  "length" bigint NOT NULL,
  "content" bytea NOT NULL
);
COMMENT ON COLUMN "deadletter"."time" IS 'broker''s time of the record, or time in the capture';
COMMENT ON COLUMN "deadletter"."stage" IS 'who refused it: ingest source or detection domain';
COMMENT ON COLUMN "deadletter"."reason" IS 'why, one of the reasons of the refusing stage';
COMMENT ON COLUMN "deadletter"."detail" IS 'what exactly, one line';
COMMENT ON COLUMN "deadletter"."topic" IS 'topic of the record';
COMMENT ON COLUMN "deadletter"."partition" IS 'partition of the record';
COMMENT ON COLUMN "deadletter"."offset" IS 'offset of the record';
COMMENT ON COLUMN "deadletter"."capture" IS 'file the record was read from';
COMMENT ON COLUMN "deadletter"."frame" IS 'frame or line number in that file, counted from 1';
COMMENT ON COLUMN "deadletter"."length" IS 'length of the whole record [bytes]';
COMMENT ON COLUMN "deadletter"."content" IS 'the first bytes of the record, at most 1,024';
