CREATE TABLE IF NOT EXISTS "v2x_security" (
  "time" timestamptz NOT NULL,
  "receiver" text NOT NULL,
  "station" text,
  "certificate" text,
  "message" text,
  "psid" bigint,
  "needed_ssp" bigint,
  "generation_time" timestamptz,
  "latitude" double precision,
  "longitude" double precision,
  "certificate_psids" bigint[],
  "certificate_ssp" bigint,
  "certificate_start" timestamptz,
  "certificate_end" timestamptz,
  "region_south" double precision,
  "region_north" double precision,
  "region_west" double precision,
  "region_east" double precision,
  "signature" text NOT NULL,
  "error" text,
  "error_code" text,
  "payload_hash" text,
  "forwarded" boolean,
  "signal_dbm" double precision,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "v2x_security"."time" IS 'when the receiver heard the message';
COMMENT ON COLUMN "v2x_security"."receiver" IS 'roadside unit or vehicle that heard it';
COMMENT ON COLUMN "v2x_security"."station" IS 'station id or temporary id of the sender';
COMMENT ON COLUMN "v2x_security"."certificate" IS 'digest of the signing certificate (HashedId8), hexadecimal; none for an unsigned message';
COMMENT ON COLUMN "v2x_security"."message" IS 'kind of the payload';
COMMENT ON COLUMN "v2x_security"."psid" IS 'ITS application id of the security header (ETSI TS 102 965; IEEE 1609.12), e.g. 36 CAM, 37 DENM';
COMMENT ON COLUMN "v2x_security"."needed_ssp" IS 'bits of the service-specific permissions that the content needs, without the version octet';
COMMENT ON COLUMN "v2x_security"."generation_time" IS 'generation time of the security header';
COMMENT ON COLUMN "v2x_security"."latitude" IS 'where it was generated, as header or payload say [deg]';
COMMENT ON COLUMN "v2x_security"."longitude" IS 'where it was generated [deg]';
COMMENT ON COLUMN "v2x_security"."certificate_psids" IS 'application ids that the certificate permits';
COMMENT ON COLUMN "v2x_security"."certificate_ssp" IS 'bits of the service-specific permissions that the certificate grants for this application id';
COMMENT ON COLUMN "v2x_security"."certificate_start" IS 'begin of the certificate''s validity';
COMMENT ON COLUMN "v2x_security"."certificate_end" IS 'end of the certificate''s validity';
COMMENT ON COLUMN "v2x_security"."region_south" IS 'rectangle around the certificate''s region [deg]';
COMMENT ON COLUMN "v2x_security"."region_north" IS 'rectangle around the certificate''s region [deg]';
COMMENT ON COLUMN "v2x_security"."region_west" IS 'rectangle around the certificate''s region [deg]';
COMMENT ON COLUMN "v2x_security"."region_east" IS 'rectangle around the certificate''s region; below its west where it spans the date line [deg]';
COMMENT ON COLUMN "v2x_security"."signature" IS 'verdict';
COMMENT ON COLUMN "v2x_security"."error" IS 'why it was refused';
COMMENT ON COLUMN "v2x_security"."error_code" IS 'the security service''s own word for it';
COMMENT ON COLUMN "v2x_security"."payload_hash" IS 'digest of all that is signed, header included, hexadecimal';
COMMENT ON COLUMN "v2x_security"."forwarded" IS 'another station passed it on (GeoNetworking)';
COMMENT ON COLUMN "v2x_security"."signal_dbm" IS 'received signal strength [dBm]';
COMMENT ON COLUMN "v2x_security"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "v2x_security"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
