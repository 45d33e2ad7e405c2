CREATE TABLE IF NOT EXISTS "mms" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "source" text NOT NULL,
  "source_port" integer NOT NULL,
  "destination" text NOT NULL,
  "destination_port" integer NOT NULL,
  "pdu" text NOT NULL,
  "service" text,
  "invoke_id" bigint,
  "object_class" integer,
  "objects" text[],
  "control" boolean NOT NULL,
  "failures" integer,
  "error_class" integer,
  "error_code" integer,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "mms"."time" IS 'when the message was seen';
COMMENT ON COLUMN "mms"."site" IS 'substation the tap stands in';
COMMENT ON COLUMN "mms"."source" IS 'address of the sender';
COMMENT ON COLUMN "mms"."source_port" IS 'TCP port of the sender';
COMMENT ON COLUMN "mms"."destination" IS 'address of the receiver';
COMMENT ON COLUMN "mms"."destination_port" IS 'TCP port of the receiver';
COMMENT ON COLUMN "mms"."pdu" IS 'kind of the message';
COMMENT ON COLUMN "mms"."service" IS 'confirmed or unconfirmed service, as ISO 9506-2 names it: read, write, getNameList, informationReport, ...';
COMMENT ON COLUMN "mms"."invoke_id" IS 'invoke identifier that joins a request and its response';
COMMENT ON COLUMN "mms"."object_class" IS 'class of getNameList: 0 variables, 2 variable lists, 9 domains';
COMMENT ON COLUMN "mms"."objects" IS 'what a request or report is about, the first 256: domain/item (LD/LN$FC$DO$DA), domain/, or a file name';
COMMENT ON COLUMN "mms"."control" IS 'True for a write to an IEC 61850 control object (functional constraint CO)';
COMMENT ON COLUMN "mms"."failures" IS 'accesses that a read or write response refuses';
COMMENT ON COLUMN "mms"."error_class" IS 'error class of an error PDU, as ISO 9506-2 numbers it';
COMMENT ON COLUMN "mms"."error_code" IS 'error code within the class, or ACSE''s result of a refusal';
COMMENT ON COLUMN "mms"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "mms"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
