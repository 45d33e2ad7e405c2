CREATE TABLE IF NOT EXISTS "iec104" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "source" text NOT NULL,
  "source_port" integer NOT NULL,
  "destination" text NOT NULL,
  "destination_port" integer NOT NULL,
  "format" text NOT NULL,
  "control" text,
  "send_number" integer,
  "receive_number" integer,
  "type_id" integer,
  "cause" integer,
  "negative" boolean,
  "test" boolean,
  "originator" integer,
  "common_address" integer,
  "object_address" integer,
  "value" double precision,
  "select" boolean,
  "qualifier" integer,
  "quality" text,
  "time_tag" timestamptz,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "iec104"."time" IS 'when the APDU was seen';
COMMENT ON COLUMN "iec104"."site" IS 'substation the tap stands in';
COMMENT ON COLUMN "iec104"."source" IS 'address of the sender';
COMMENT ON COLUMN "iec104"."source_port" IS 'TCP port of the sender';
COMMENT ON COLUMN "iec104"."destination" IS 'address of the receiver';
COMMENT ON COLUMN "iec104"."destination_port" IS 'TCP port of the receiver';
COMMENT ON COLUMN "iec104"."format" IS 'I, S or U';
COMMENT ON COLUMN "iec104"."control" IS 'U-format function: STARTDT act, STARTDT con, STOPDT act, ..., TESTFR con';
COMMENT ON COLUMN "iec104"."send_number" IS 'N(S), modulo 32768';
COMMENT ON COLUMN "iec104"."receive_number" IS 'N(R), modulo 32768';
COMMENT ON COLUMN "iec104"."type_id" IS 'type identification';
COMMENT ON COLUMN "iec104"."cause" IS 'cause of transmission, 0 to 63';
COMMENT ON COLUMN "iec104"."negative" IS 'P/N bit: True is a negative confirmation';
COMMENT ON COLUMN "iec104"."test" IS 'test bit';
COMMENT ON COLUMN "iec104"."originator" IS 'originator address';
COMMENT ON COLUMN "iec104"."common_address" IS 'common address of the ASDU';
COMMENT ON COLUMN "iec104"."object_address" IS 'information object address';
COMMENT ON COLUMN "iec104"."value" IS 'value of the object: state, measured value or set-point';
COMMENT ON COLUMN "iec104"."select" IS 'S/E bit of a command: True is select, False execute';
COMMENT ON COLUMN "iec104"."qualifier" IS 'qualifier of a command or interrogation';
COMMENT ON COLUMN "iec104"."quality" IS 'quality bits set, of OV BL SB NT IV, joined by a space; empty is good';
COMMENT ON COLUMN "iec104"."time_tag" IS 'time tag of the object (CP56Time2a)';
COMMENT ON COLUMN "iec104"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "iec104"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
