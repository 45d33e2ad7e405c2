CREATE TABLE IF NOT EXISTS "modbus" (
  "time" timestamptz NOT NULL,
  "site" text NOT NULL,
  "client" text NOT NULL,
  "client_port" integer NOT NULL,
  "server" text NOT NULL,
  "server_port" integer NOT NULL,
  "transaction" integer NOT NULL,
  "unit" integer NOT NULL,
  "function" integer NOT NULL,
  "subfunction" integer,
  "mei_type" integer,
  "address" integer,
  "quantity" integer,
  "request_values" integer[],
  "response_values" integer[],
  "write_address" integer,
  "and_mask" integer,
  "or_mask" integer,
  "exception" integer,
  "latency_ms" double precision,
  "requested" boolean NOT NULL,
  "responded" boolean NOT NULL,
  "capture" text,
  "frames" bigint[]
);
COMMENT ON COLUMN "modbus"."time" IS 'time of the request, or of the response where there was no request';
COMMENT ON COLUMN "modbus"."site" IS 'substation the tap or poller stands in';
COMMENT ON COLUMN "modbus"."client" IS 'address of the client (master)';
COMMENT ON COLUMN "modbus"."client_port" IS 'TCP port of the client';
COMMENT ON COLUMN "modbus"."server" IS 'address of the server (outstation)';
COMMENT ON COLUMN "modbus"."server_port" IS 'TCP port of the server';
COMMENT ON COLUMN "modbus"."transaction" IS 'MBAP transaction identifier';
COMMENT ON COLUMN "modbus"."unit" IS 'unit identifier';
COMMENT ON COLUMN "modbus"."function" IS 'function code without the exception bit';
COMMENT ON COLUMN "modbus"."subfunction" IS 'sub-function of function 8 (diagnostics)';
COMMENT ON COLUMN "modbus"."mei_type" IS 'MEI type of function 43';
COMMENT ON COLUMN "modbus"."address" IS 'first coil or register address, counted from 0';
COMMENT ON COLUMN "modbus"."quantity" IS 'number of coils or registers';
COMMENT ON COLUMN "modbus"."request_values" IS 'values in the request (writes), register or 0/1 coil values';
COMMENT ON COLUMN "modbus"."response_values" IS 'values in the response (reads)';
COMMENT ON COLUMN "modbus"."write_address" IS 'write start address of function 23';
COMMENT ON COLUMN "modbus"."and_mask" IS 'AND mask of function 22';
COMMENT ON COLUMN "modbus"."or_mask" IS 'OR mask of function 22';
COMMENT ON COLUMN "modbus"."exception" IS 'exception code of the response';
COMMENT ON COLUMN "modbus"."latency_ms" IS 'time from request to response [ms]';
COMMENT ON COLUMN "modbus"."requested" IS 'True where a request was seen';
COMMENT ON COLUMN "modbus"."responded" IS 'True where a response was seen';
COMMENT ON COLUMN "modbus"."capture" IS 'name of the capture or log file the record was read from';
COMMENT ON COLUMN "modbus"."frames" IS 'frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1';
