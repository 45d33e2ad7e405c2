-- Incidents: what people work on. Alerts of one dedup key are one incident until it was quiet for long; a storm is one incident.

CREATE TABLE IF NOT EXISTS incident (
    incident_id text PRIMARY KEY,
    kind        text NOT NULL DEFAULT 'alerts' CHECK (kind IN ('alerts', 'storm')),
    status      text NOT NULL DEFAULT 'open',
    dedup       text NOT NULL,
    domain      text NOT NULL,
    site        text NOT NULL,
    entity_kind text NOT NULL,
    entity      text NOT NULL,
    detector    text NOT NULL,
    threat      text NOT NULL,
    technique   text NOT NULL,
    severity_id integer NOT NULL,
    title       text NOT NULL,
    first_time  timestamptz NOT NULL,
    last_time   timestamptz NOT NULL,
    alerts      bigint NOT NULL,
    opened      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE incident IS 'Alerts of one dedup key, or of a storm, as one thing to work on; kept by the landing step';
COMMENT ON COLUMN incident.incident_id IS 'id of the alert that opened it: a re-run gives the same';
COMMENT ON COLUMN incident.kind IS 'alerts of one dedup key, or the storm that further ones of a detector at a site are collapsed into';
COMMENT ON COLUMN incident.severity_id IS 'the highest of its alerts';
COMMENT ON COLUMN incident.title IS 'of the first of its most severe alerts';
COMMENT ON COLUMN incident.alerts IS 'how many there are';

CREATE INDEX IF NOT EXISTS incident_worklist ON incident (status, severity_id DESC, last_time DESC);
CREATE INDEX IF NOT EXISTS incident_last_time ON incident (last_time);
-- Hash: names of assets come from the wire, and a B-tree refuses long ones.
CREATE INDEX IF NOT EXISTS incident_dedup ON incident USING hash (dedup);
CREATE INDEX IF NOT EXISTS incident_detector ON incident (detector, first_time);

ALTER TABLE alert ADD COLUMN IF NOT EXISTS incident_id text REFERENCES incident (incident_id);
COMMENT ON COLUMN alert.incident_id IS 'incident that the alert belongs to; null where a suppression hides it';
CREATE INDEX IF NOT EXISTS alert_incident ON alert (incident_id, "time");
CREATE INDEX IF NOT EXISTS alert_suppression ON alert (suppression, "time") WHERE suppression IS NOT NULL;
CREATE INDEX IF NOT EXISTS alert_suppressed ON alert (detected, suppression, severity_id) WHERE suppression IS NOT NULL;

CREATE OR REPLACE VIEW alert_overview AS
SELECT
    alert_id, "time", detected, landed, detector, threat, technique, severity_id,
    severity_word(severity_id) AS severity,
    domain, site, entity_kind, entity, source, destination, title, observed, expected, dedup,
    array_to_string(runbook, E'\n') AS runbook,
    extract(epoch FROM detected - "time")::double precision AS event_to_detected_s,
    extract(epoch FROM landed - detected)::double precision AS detected_to_landed_s,
    extract(epoch FROM landed - "time")::double precision AS event_to_landed_s,
    incident_id, storm, suppression
FROM alert;
COMMENT ON VIEW alert_overview IS 'Alerts with severity in words (OCSF), runbook as text, and latencies in seconds';
