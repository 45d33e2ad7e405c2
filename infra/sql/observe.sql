-- What telemetry looks like, minute by minute of its arrival: sums that dashboards draw, kept by `gridwatch observe`. The records
-- themselves are in the lake.

CREATE TABLE IF NOT EXISTS observed_position (
    cluster     text NOT NULL,
    topic       text NOT NULL,
    "partition" integer NOT NULL,
    next_offset bigint NOT NULL,
    updated     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster, topic, "partition")
);
COMMENT ON TABLE observed_position IS 'Next Kafka offset to observe; changes in the transaction that adds the sums of the records before it';

CREATE TABLE IF NOT EXISTS talk (
    slot     timestamptz NOT NULL,
    domain   text NOT NULL,
    site     text NOT NULL,
    protocol text NOT NULL,
    client   text NOT NULL,
    server   text NOT NULL,
    action   text NOT NULL,
    class    text NOT NULL,
    records  bigint NOT NULL,
    failures bigint NOT NULL,
    PRIMARY KEY (slot, domain, site, protocol, client, server, action, class)
);
COMMENT ON TABLE talk IS 'Who asked what of whom: records a minute';
COMMENT ON COLUMN talk.class IS 'read, write, control, report, system or other';
COMMENT ON COLUMN talk.failures IS 'of the records: exceptions, negative answers, refused connections';
CREATE INDEX IF NOT EXISTS talk_site ON talk (domain, site, slot);

CREATE TABLE IF NOT EXISTS level (
    slot    timestamptz NOT NULL,
    domain  text NOT NULL,
    site    text NOT NULL,
    kind    text NOT NULL,
    entity  text NOT NULL,
    measure text NOT NULL,
    low     double precision NOT NULL,
    high    double precision NOT NULL,
    last    double precision NOT NULL,
    total   double precision NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (slot, domain, site, kind, entity, measure)
);
COMMENT ON TABLE level IS 'Values of a minute: lowest, highest, last and sum; units are in the name of the measure';
CREATE INDEX IF NOT EXISTS level_measure ON level (domain, measure, slot);

CREATE TABLE IF NOT EXISTS track (
    slot        timestamptz NOT NULL,
    receiver    text NOT NULL,
    station     text NOT NULL,
    latitude    double precision NOT NULL,
    longitude   double precision NOT NULL,
    speed_ms    double precision,
    heading_deg double precision,
    records     bigint NOT NULL,
    PRIMARY KEY (slot, receiver, station)
);
COMMENT ON TABLE track IS 'Where a station was last heard in a minute';

CREATE TABLE IF NOT EXISTS seen (
    domain  text NOT NULL,
    kind    text NOT NULL,
    site    text NOT NULL,
    entity  text NOT NULL,
    first   timestamptz NOT NULL,
    last    timestamptz NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (domain, kind, site, entity)
);
COMMENT ON TABLE seen IS 'Assets that were heard of: since when, and when last';
CREATE INDEX IF NOT EXISTS seen_first ON seen (first);
CREATE INDEX IF NOT EXISTS seen_last ON seen (domain, kind, last);

-- The same in slots of an hour, for times of days: who talks or reports all day is one row of an hour instead of sixty.
CREATE TABLE IF NOT EXISTS talk_hour (LIKE talk INCLUDING INDEXES);
CREATE TABLE IF NOT EXISTS level_hour (LIKE level INCLUDING INDEXES);
CREATE TABLE IF NOT EXISTS track_hour (LIKE track INCLUDING INDEXES);
COMMENT ON TABLE talk_hour IS 'As talk, in slots of an hour';
COMMENT ON TABLE level_hour IS 'As level, in slots of an hour';
COMMENT ON TABLE track_hour IS 'As track, in slots of an hour';

-- A client has few servers: without knowing it PostgreSQL expects a pair of each with each, and sorts what it could hash.
CREATE STATISTICS IF NOT EXISTS talk_pairs (ndistinct) ON client, server, class FROM talk;
CREATE STATISTICS IF NOT EXISTS talk_hour_pairs (ndistinct) ON client, server, class FROM talk_hour;

-- A database that is older than these sums.
INSERT INTO talk_hour
SELECT date_bin('1 hour', slot, 'epoch'), domain, site, protocol, client, server, action, class, sum(records), sum(failures)
FROM talk WHERE NOT EXISTS (SELECT FROM talk_hour) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
INSERT INTO level_hour
SELECT date_bin('1 hour', slot, 'epoch'), domain, site, kind, entity, measure, min(low), max(high),
    (array_agg(last ORDER BY slot DESC))[1], sum(total), sum(records)
FROM level WHERE NOT EXISTS (SELECT FROM level_hour) GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO track_hour
SELECT DISTINCT ON (date_bin('1 hour', slot, 'epoch'), receiver, station) date_bin('1 hour', slot, 'epoch'), receiver, station,
    latitude, longitude, speed_ms, heading_deg,
    sum(records) OVER (PARTITION BY date_bin('1 hour', slot, 'epoch'), receiver, station)
FROM track WHERE NOT EXISTS (SELECT FROM track_hour)
ORDER BY date_bin('1 hour', slot, 'epoch'), receiver, station, slot DESC;
