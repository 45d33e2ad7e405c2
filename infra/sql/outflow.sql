-- What was sent to whom: per receiver, the state of each incident that it acknowledged last.

CREATE TABLE IF NOT EXISTS outflow (
    receiver    text NOT NULL,
    incident_id text NOT NULL REFERENCES incident (incident_id),
    version     integer NOT NULL,
    alerts      bigint NOT NULL,
    sent        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (receiver, incident_id)
);
COMMENT ON TABLE outflow IS 'The state of each incident that a receiver of gridwatch outflow acknowledged last';
COMMENT ON COLUMN outflow.receiver IS 'name of the receiver';
COMMENT ON COLUMN outflow.version IS 'of the incident as it was sent, as is alerts';

CREATE INDEX IF NOT EXISTS incident_updated ON incident (updated, incident_id);
