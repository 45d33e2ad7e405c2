CREATE TABLE IF NOT EXISTS "flow" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "source" text NOT NULL,
  "source_port" integer,
  "destination" text NOT NULL,
  "destination_port" integer NOT NULL,
  "protocol" text NOT NULL,
  "state" text NOT NULL,
  "source_mac" text,
  "bytes_out" bigint,
  "bytes_in" bigint,
  "duration_s" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "flow"."time" IS 'when it began; of a reset or an inconsistent segment, when that was seen';
COMMENT ON COLUMN "flow"."site" IS 'substation the tap or flow exporter stands in';
COMMENT ON COLUMN "flow"."source" IS 'address of the host that opened it, or tried to';
COMMENT ON COLUMN "flow"."source_port" IS 'port of that host';
COMMENT ON COLUMN "flow"."destination" IS 'address of the host it is with';
COMMENT ON COLUMN "flow"."destination_port" IS 'port there';
COMMENT ON COLUMN "flow"."protocol" IS 'transport protocol';
COMMENT ON COLUMN "flow"."state" IS 'attempted: no answer; rejected: refused at once; established: answered; reset: torn down by a reset; inconsistent: a segment was sent again with other content';
COMMENT ON COLUMN "flow"."source_mac" IS 'MAC address the first frame came from';
COMMENT ON COLUMN "flow"."bytes_out" IS 'payload from source to destination [byte]';
COMMENT ON COLUMN "flow"."bytes_in" IS 'payload from destination to source [byte]';
COMMENT ON COLUMN "flow"."duration_s" IS 'from the first packet to the last [s]';
COMMENT ON COLUMN "flow"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "flow"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
