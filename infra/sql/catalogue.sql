-- The catalogue of whoever lands here, for dashboards: what an alert's threat and detector are, and which threats nothing serves.

CREATE TABLE IF NOT EXISTS threat (
    threat         text PRIMARY KEY,
    title          text NOT NULL,
    domain         text NOT NULL,
    asset          text NOT NULL,
    observable     text NOT NULL,
    severity_id    integer NOT NULL,
    technique      text NOT NULL,
    technique_name text NOT NULL,
    tactics        text[] NOT NULL,
    response       text[] NOT NULL,
    gap            text,
    recall         double precision,
    after_s        double precision,
    current        boolean NOT NULL
);
COMMENT ON TABLE threat IS 'The threat profiles; kept by the landing step when it starts';
COMMENT ON COLUMN threat.tactics IS 'of MITRE ATT&CK for ICS';
COMMENT ON COLUMN threat.gap IS 'why no detector serves it; null where one does';
COMMENT ON COLUMN threat.recall IS 'share of its attacks that were found in the last evaluation; null where there was none';
COMMENT ON COLUMN threat.after_s IS 'seconds from the first record of such an attack to its alert, there';
COMMENT ON COLUMN threat.current IS 'false where it was of an earlier catalogue';

CREATE TABLE IF NOT EXISTS detector (
    detector       text PRIMARY KEY,
    version        integer NOT NULL,
    threat         text NOT NULL,
    technique      text NOT NULL,
    technique_name text NOT NULL,
    tactics        text[] NOT NULL,
    severity_id    integer NOT NULL,
    domain         text NOT NULL,
    record         text NOT NULL,
    needs          text[] NOT NULL,
    current        boolean NOT NULL
);
COMMENT ON TABLE detector IS 'The detectors; kept by the landing step when it starts';
COMMENT ON COLUMN detector.record IS 'type of the records that it reads';
COMMENT ON COLUMN detector.needs IS 'facts of the site without which it is off';
COMMENT ON COLUMN detector.current IS 'false where it was of an earlier catalogue';
