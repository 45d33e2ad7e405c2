CREATE TABLE IF NOT EXISTS "dlms_session" (
  "time" timestamptz NOT NULL,
  "headend" text NOT NULL,
  "source" text NOT NULL,
  "client_sap" integer NOT NULL,
  "meter" text NOT NULL,
  "service" text NOT NULL,
  "result" text,
  "diagnostic" integer,
  "mechanism" integer,
  "system_title" text,
  "key_id" integer,
  "invocation_counter" bigint,
  "security_control" integer,
  "c1222_security" text,
  "obis" text,
  "response_bytes" bigint,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "dlms_session"."time" IS 'when the service was asked for';
COMMENT ON COLUMN "dlms_session"."headend" IS 'head-end or probe whose log this is';
COMMENT ON COLUMN "dlms_session"."source" IS 'network address of the client, or name of the optical head';
COMMENT ON COLUMN "dlms_session"."client_sap" IS 'client''s service access point (wPort)';
COMMENT ON COLUMN "dlms_session"."meter" IS 'meter addressed';
COMMENT ON COLUMN "dlms_session"."service" IS 'service: associate is the AARQ of DLMS or the logon of C12.22';
COMMENT ON COLUMN "dlms_session"."result" IS 'what came of it';
COMMENT ON COLUMN "dlms_session"."diagnostic" IS 'acse-service-user diagnostic of a rejected association; 13 authentication failure, 14 authentication required';
COMMENT ON COLUMN "dlms_session"."mechanism" IS 'authentication mechanism: 0 none, 1 password, 2 to 7 challenge and response';
COMMENT ON COLUMN "dlms_session"."system_title" IS 'client''s system title or calling AP title, hexadecimal';
COMMENT ON COLUMN "dlms_session"."key_id" IS 'which key protects it: 0 unicast, 1 broadcast, or a key number';
COMMENT ON COLUMN "dlms_session"."invocation_counter" IS 'client''s invocation counter of the ciphered message';
COMMENT ON COLUMN "dlms_session"."security_control" IS 'security control byte: bit 4 authenticated, bit 5 encrypted, bits 0 to 3 security suite';
COMMENT ON COLUMN "dlms_session"."c1222_security" IS 'security mode of the EPSEM control of a C12.22 message';
COMMENT ON COLUMN "dlms_session"."obis" IS 'object of the service, e.g. 1.0.99.1.0.255 (load profile)';
COMMENT ON COLUMN "dlms_session"."response_bytes" IS 'length of the answer [byte]';
COMMENT ON COLUMN "dlms_session"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "dlms_session"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
