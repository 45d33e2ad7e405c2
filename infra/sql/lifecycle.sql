-- The life of an incident: what people did about it. Every step is an event that stays; the incident shows where it stands.

ALTER TABLE incident ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN IF NOT EXISTS assignee text;
ALTER TABLE incident ADD COLUMN IF NOT EXISTS verdict text;
ALTER TABLE incident ADD COLUMN IF NOT EXISTS since timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE incident ADD COLUMN IF NOT EXISTS acknowledged timestamptz;
ALTER TABLE incident ADD COLUMN IF NOT EXISTS closed timestamptz;
COMMENT ON COLUMN incident.version IS 'number of its last event: who changes an older one is told so (optimistic lock)';
COMMENT ON COLUMN incident.verdict IS 'what it was, in the words of OCSF verdict_id; null until it is closed';
COMMENT ON COLUMN incident.since IS 'since when it waits: when it was opened, or opened again';
COMMENT ON COLUMN incident.acknowledged IS 'when somebody took it up; null while nobody has';
COMMENT ON COLUMN incident.closed IS 'when it was closed; null while it is not';
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'incident_standing') THEN
        ALTER TABLE incident ADD CONSTRAINT incident_standing CHECK (
            status IN ('open', 'acknowledged', 'closed')
            AND (status = 'closed') = (closed IS NOT NULL) AND (status = 'closed') = (verdict IS NOT NULL)
        );
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS incident_closed ON incident (closed) WHERE closed IS NOT NULL;
CREATE INDEX IF NOT EXISTS incident_waiting ON incident (since) WHERE status = 'open';
CREATE INDEX IF NOT EXISTS incident_entity ON incident USING hash (entity);

ALTER TABLE incident ADD COLUMN IF NOT EXISTS annotated timestamptz;
COMMENT ON COLUMN incident.annotated IS 'when Grafana was given its annotation; null while it has none';
CREATE INDEX IF NOT EXISTS incident_unannotated ON incident (opened) WHERE annotated IS NULL AND severity_id >= 4;

CREATE TABLE IF NOT EXISTS incident_event (
    incident_id text NOT NULL REFERENCES incident (incident_id),
    version     integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    action      text NOT NULL,
    status      text NOT NULL,
    assignee    text,
    verdict     text,
    comment     text,
    PRIMARY KEY (incident_id, version)
);
COMMENT ON TABLE incident_event IS 'What was done about incidents, by whom and when: rows are added and never changed';
COMMENT ON COLUMN incident_event.actor IS 'the person; gridwatch where the landing step did it';
COMMENT ON COLUMN incident_event.action IS 'acknowledge, assign, comment, close, reopen or suppress';
COMMENT ON COLUMN incident_event.status IS 'of the incident after it, as are assignee and verdict';
CREATE INDEX IF NOT EXISTS incident_event_at ON incident_event (at);

CREATE OR REPLACE FUNCTION never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are added and never changed', tg_table_name USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER incident_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_event
    FOR EACH STATEMENT EXECUTE FUNCTION never_changed();

-- What people suppress on the pages or on the command line; the landing step reads it beside the file of the site.
CREATE TABLE IF NOT EXISTS suppression (
    id          text PRIMARY KEY,
    scope       jsonb NOT NULL,
    reason      text NOT NULL,
    owner       text NOT NULL,
    reviewed_by text,
    begins      timestamptz NOT NULL,
    expires     timestamptz NOT NULL CHECK (expires > begins),
    made        timestamptz NOT NULL DEFAULT clock_timestamp(),
    incident_id text REFERENCES incident (incident_id)
);
COMMENT ON TABLE suppression IS 'Suppressions made by operators; docs/incidents.md';
COMMENT ON COLUMN suppression.reviewed_by IS 'who looked at it, not its owner; until then one that lasts longer than a day hides nothing';
COMMENT ON COLUMN suppression.incident_id IS 'the incident from which it was made';
CREATE INDEX IF NOT EXISTS suppression_expires ON suppression (expires);

-- For dashboards: the time in which something happened to an incident lies between opened and updated, whose index outflow.sql makes.
CREATE INDEX IF NOT EXISTS incident_opened ON incident (opened);

CREATE OR REPLACE VIEW incident_overview AS
SELECT
    incident_id, kind, status, verdict, assignee, severity_id,
    severity_word(severity_id) AS severity,
    title, domain, site, entity_kind, entity, detector, threat, technique, alerts, first_time, last_time,
    opened, updated, since, acknowledged, closed,
    extract(epoch FROM coalesce(closed, now()) - opened)::double precision AS age_s,
    CASE WHEN status = 'open' THEN extract(epoch FROM now() - since)::double precision END AS waiting_s
FROM incident;
COMMENT ON VIEW incident_overview IS 'Incidents with severity in words (OCSF), their age, and how long open ones wait for somebody, in seconds';
