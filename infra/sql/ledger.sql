-- What Gridwatch has landed: how far each topic was read, and which Parquet file holds which rows.

CREATE TABLE IF NOT EXISTS lake (
    ledger  text PRIMARY KEY DEFAULT left(md5(gen_random_uuid()::text), 12),
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    single  boolean NOT NULL DEFAULT true UNIQUE CHECK (single)
);
COMMENT ON TABLE lake IS 'Identity of the Parquet lake that belongs to this database: one row';
INSERT INTO lake DEFAULT VALUES ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS landed_position (
    cluster     text NOT NULL,
    topic       text NOT NULL,
    "partition" integer NOT NULL,
    next_offset bigint NOT NULL,
    updated     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster, topic, "partition")
);
COMMENT ON TABLE landed_position IS 'Next Kafka offset to land; changes in the transaction that lands the rows before it';
ALTER TABLE landed_position ADD COLUMN IF NOT EXISTS seen timestamptz;
ALTER TABLE landed_position ADD COLUMN IF NOT EXISTS end_offset bigint;
COMMENT ON COLUMN landed_position.seen IS 'when landing last looked at the partition, whether or not anything had come';
COMMENT ON COLUMN landed_position.end_offset IS 'the offset behind its last record then: what lies between waits to be landed';

CREATE TABLE IF NOT EXISTS lake_file (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record  text NOT NULL,
    domain  text,
    day     date NOT NULL,
    rows    bigint NOT NULL,
    planned timestamptz NOT NULL DEFAULT clock_timestamp(),
    written timestamptz
);
COMMENT ON TABLE lake_file IS 'Parquet files of alerts and dead letters: planned first, then written; each row of those tables names its file';
CREATE INDEX IF NOT EXISTS lake_file_unwritten ON lake_file (number) WHERE written IS NULL;

CREATE TABLE IF NOT EXISTS table_version (
    digest text NOT NULL,
    single boolean NOT NULL DEFAULT true UNIQUE CHECK (single)
);
COMMENT ON TABLE table_version IS 'From which version of the scripts the tables were made: one row';

-- An OCSF severity_id in words.
CREATE OR REPLACE FUNCTION severity_word(severity_id integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE severity_id
        WHEN 1 THEN 'Informational' WHEN 2 THEN 'Low' WHEN 3 THEN 'Medium' WHEN 4 THEN 'High' WHEN 5 THEN 'Critical'
        ELSE 'Unknown'
    END
$$;
