CREATE TABLE IF NOT EXISTS "dnp3" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "source" text NOT NULL,
  "source_port" integer NOT NULL,
  "destination" text NOT NULL,
  "destination_port" integer NOT NULL,
  "source_mac" text,
  "destination_mac" text,
  "ttl" integer,
  "link_source" integer NOT NULL,
  "link_destination" integer NOT NULL,
  "from_master" boolean NOT NULL,
  "primary" boolean NOT NULL,
  "link_function" integer NOT NULL,
  "checksum_ok" boolean NOT NULL,
  "function" integer,
  "response" boolean NOT NULL,
  "sequence" integer,
  "unsolicited" boolean NOT NULL,
  "iin1" integer,
  "iin2" integer,
  "groups" integer[],
  "variations" integer[],
  "points" integer[],
  "operations" integer[],
  "trips" integer[],
  "statuses" integer[],
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "dnp3"."time" IS 'when its last link frame was seen';
COMMENT ON COLUMN "dnp3"."site" IS 'substation the tap stands in';
COMMENT ON COLUMN "dnp3"."source" IS 'address of the sender';
COMMENT ON COLUMN "dnp3"."source_port" IS 'TCP or UDP port of the sender';
COMMENT ON COLUMN "dnp3"."destination" IS 'address of the receiver';
COMMENT ON COLUMN "dnp3"."destination_port" IS 'TCP or UDP port of the receiver';
COMMENT ON COLUMN "dnp3"."source_mac" IS 'MAC address the frame came from, lower case with colons';
COMMENT ON COLUMN "dnp3"."destination_mac" IS 'MAC address the frame went to';
COMMENT ON COLUMN "dnp3"."ttl" IS 'time to live (IPv4) or hop limit (IPv6)';
COMMENT ON COLUMN "dnp3"."link_source" IS 'link-layer source address';
COMMENT ON COLUMN "dnp3"."link_destination" IS 'link-layer destination address';
COMMENT ON COLUMN "dnp3"."from_master" IS 'DIR bit of the link layer: True is sent by a master';
COMMENT ON COLUMN "dnp3"."primary" IS 'PRM bit of the link layer: True starts a link transaction, False answers one';
COMMENT ON COLUMN "dnp3"."link_function" IS 'function code of the link layer';
COMMENT ON COLUMN "dnp3"."checksum_ok" IS 'False where a checksum of the link frame is wrong; then nothing above it is known';
COMMENT ON COLUMN "dnp3"."function" IS 'application function code; null without an application message';
COMMENT ON COLUMN "dnp3"."response" IS 'True for a response, solicited (129) or unsolicited (130), or an authentication response (131)';
COMMENT ON COLUMN "dnp3"."sequence" IS 'application sequence number';
COMMENT ON COLUMN "dnp3"."unsolicited" IS 'UNS bit: an unsolicited response or the confirmation of one';
COMMENT ON COLUMN "dnp3"."iin1" IS 'first octet of the internal indications of a response';
COMMENT ON COLUMN "dnp3"."iin2" IS 'second octet; bits 0 to 2 are function, object and parameter errors';
COMMENT ON COLUMN "dnp3"."groups" IS 'object groups in the message, a header each';
COMMENT ON COLUMN "dnp3"."variations" IS 'their variations, in the same order';
COMMENT ON COLUMN "dnp3"."points" IS 'indexes of the points to control: relays (group 12), analogue (group 41)';
COMMENT ON COLUMN "dnp3"."operations" IS 'operation type of each point: 0 none, 1 pulse on, 2 pulse off, 3 latch on, 4 latch off; -1 none (analogue output)';
COMMENT ON COLUMN "dnp3"."trips" IS 'trip-close code of each point: 0 none, 1 close, 2 trip; -1 analogue output';
COMMENT ON COLUMN "dnp3"."statuses" IS 'control status of each point: 0 accepted, above refused; -1 not known';
COMMENT ON COLUMN "dnp3"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "dnp3"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
