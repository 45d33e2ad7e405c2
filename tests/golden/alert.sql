CREATE TABLE IF NOT EXISTS "alert" (
  "alert_id" text NOT NULL,
  "time" timestamptz NOT NULL,
  "detected" timestamptz NOT NULL,
  "detector" text NOT NULL,
  "detector_version" integer NOT NULL,
  "model_version" text,
  "threat" text NOT NULL,
  "technique" text NOT NULL,
  "severity_id" integer NOT NULL,
  "confidence_id" integer NOT NULL,
  "domain" text NOT NULL,
  "record" text NOT NULL,
  "site" text NOT NULL,
  "entity_kind" text NOT NULL,
  "entity" text NOT NULL,
  "source" text,
  "destination" text,
  "first_time" timestamptz NOT NULL,
  "last_time" timestamptz NOT NULL,
  "title" text NOT NULL,
  "observed" text NOT NULL,
  "expected" text NOT NULL,
  "dedup" text NOT NULL,
  "runbook" text[] NOT NULL,
  "topic" text,
  "partition" integer,
  "offsets" bigint[],
  "capture" text,
  "frames" bigint[],
  "evidence" text[] NOT NULL,
  "related" text[],
  "storm" text,
  "suppression" text
);
COMMENT ON COLUMN "alert"."alert_id" IS 'hash of detector, version, entity and the event that fired: a re-run gives the same';
COMMENT ON COLUMN "alert"."time" IS 'event time of the record that crossed the threshold';
COMMENT ON COLUMN "alert"."detected" IS 'when the detector saw it (not part of the id)';
COMMENT ON COLUMN "alert"."detector" IS 'detector id, the name of its file';
COMMENT ON COLUMN "alert"."detector_version" IS 'version of the detector';
COMMENT ON COLUMN "alert"."model_version" IS 'digest of the model that scored, for learned detectors';
COMMENT ON COLUMN "alert"."threat" IS 'threat id of the catalogue, e.g. SG-17';
COMMENT ON COLUMN "alert"."technique" IS 'MITRE ATT&CK for ICS technique id, e.g. T0855';
COMMENT ON COLUMN "alert"."severity_id" IS 'OCSF severity: 1 informational, 2 low, 3 medium, 4 high, 5 critical';
COMMENT ON COLUMN "alert"."confidence_id" IS 'OCSF confidence: 1 low, 2 medium, 3 high';
COMMENT ON COLUMN "alert"."domain" IS 'meter, substation, vehicle, network, or correlation: found in alerts';
COMMENT ON COLUMN "alert"."record" IS 'record type that fired';
COMMENT ON COLUMN "alert"."site" IS 'locality of the record: site, transformer, head-end, receiver or vehicle';
COMMENT ON COLUMN "alert"."entity_kind" IS 'kind of the asset, e.g. meter, server, station';
COMMENT ON COLUMN "alert"."entity" IS 'the asset concerned';
COMMENT ON COLUMN "alert"."source" IS 'who acted, where the record tells';
COMMENT ON COLUMN "alert"."destination" IS 'on whom, where the record tells';
COMMENT ON COLUMN "alert"."first_time" IS 'event time of the first record of the evidence';
COMMENT ON COLUMN "alert"."last_time" IS 'event time of the last record of the evidence';
COMMENT ON COLUMN "alert"."title" IS 'one sentence for the operator';
COMMENT ON COLUMN "alert"."observed" IS 'what was observed, with numbers and units';
COMMENT ON COLUMN "alert"."expected" IS 'what was expected, with numbers and units';
COMMENT ON COLUMN "alert"."dedup" IS 'key under which alerts are one incident';
COMMENT ON COLUMN "alert"."runbook" IS 'what to do, step by step';
COMMENT ON COLUMN "alert"."topic" IS 'topic of the evidence';
COMMENT ON COLUMN "alert"."partition" IS 'partition of the evidence';
COMMENT ON COLUMN "alert"."offsets" IS 'offsets of the evidence';
COMMENT ON COLUMN "alert"."capture" IS 'file of the evidence';
COMMENT ON COLUMN "alert"."frames" IS 'frame or line numbers of the evidence in that file';
COMMENT ON COLUMN "alert"."evidence" IS 'the records themselves as JSON, the deciding one last, a few at most';
COMMENT ON COLUMN "alert"."related" IS 'ids of the alerts in which a correlation was found, the deciding one last';
COMMENT ON COLUMN "alert"."storm" IS 'id of the alert that tells of the storm this one was collapsed into; its own where it is the one that tells';
COMMENT ON COLUMN "alert"."suppression" IS 'id of the suppression that hides it from incidents; set where it lands';
