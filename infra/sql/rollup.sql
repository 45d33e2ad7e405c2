-- Sums that the landing step keeps, in the transaction that lands the rows: what dashboards draw over long times.

CREATE TABLE IF NOT EXISTS alert_rollup (
    slot        timestamptz NOT NULL,
    domain      text NOT NULL,
    detector    text NOT NULL,
    threat      text NOT NULL,
    technique   text NOT NULL,
    severity_id integer NOT NULL,
    suppressed  boolean NOT NULL,
    alerts      bigint NOT NULL,
    PRIMARY KEY (slot, domain, detector, threat, technique, severity_id, suppressed)
);
COMMENT ON TABLE alert_rollup IS 'Alerts by when they were detected, in slots of five minutes';

CREATE TABLE IF NOT EXISTS latency_rollup (
    slot   timestamptz NOT NULL,
    domain text NOT NULL,
    upto_s double precision NOT NULL,
    alerts bigint NOT NULL,
    PRIMARY KEY (slot, domain, upto_s)
);
COMMENT ON TABLE latency_rollup IS 'Alerts by the time from their event to their landing: as many as upto_s says, and more than the class below';

-- The same in slots of an hour, for times of days: a twelfth of the slots, and so less to read.
CREATE TABLE IF NOT EXISTS alert_rollup_hour (LIKE alert_rollup INCLUDING INDEXES);
CREATE TABLE IF NOT EXISTS latency_rollup_hour (LIKE latency_rollup INCLUDING INDEXES);
COMMENT ON TABLE alert_rollup_hour IS 'As alert_rollup, in slots of an hour';
COMMENT ON TABLE latency_rollup_hour IS 'As latency_rollup, in slots of an hour';

CREATE TABLE IF NOT EXISTS deadletter_rollup (
    slot   timestamptz NOT NULL,
    stage  text NOT NULL,
    topic  text NOT NULL,
    reason text NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (slot, stage, topic, reason)
);
COMMENT ON TABLE deadletter_rollup IS 'Refused records by when they landed, in slots of five minutes';

-- The class of a delay by its upper bound, seconds: four classes an octave, from 10 ms on.
CREATE OR REPLACE FUNCTION latency_class(delay interval) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT (2 ^ (ceil(4 * log(2, greatest(extract(epoch FROM delay), 0.01))) / 4))::double precision
$$;

-- What lands is added to these sums: the rows of the ids, in the transaction that inserts them. Not for anybody else to call.
CREATE OR REPLACE FUNCTION add_alerts(ids text[]) RETURNS void LANGUAGE sql AS $$
    WITH new AS MATERIALIZED (
        SELECT date_bin('5 minutes', detected, 'epoch') AS slot, date_bin('1 hour', detected, 'epoch') AS hour, domain, detector, threat,
            technique, severity_id, suppression IS NOT NULL AS suppressed, latency_class(landed - "time") AS upto_s
        FROM alert WHERE alert_id = ANY (ids)
    ), slots AS (
        INSERT INTO alert_rollup AS had
        SELECT slot, domain, detector, threat, technique, severity_id, suppressed, count(*) FROM new GROUP BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (slot, domain, detector, threat, technique, severity_id, suppressed)
        DO UPDATE SET alerts = had.alerts + excluded.alerts
    ), hours AS (
        INSERT INTO alert_rollup_hour AS had
        SELECT hour, domain, detector, threat, technique, severity_id, suppressed, count(*) FROM new GROUP BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (slot, domain, detector, threat, technique, severity_id, suppressed)
        DO UPDATE SET alerts = had.alerts + excluded.alerts
    ), delays AS (
        INSERT INTO latency_rollup AS had SELECT slot, domain, upto_s, count(*) FROM new GROUP BY 1, 2, 3
        ON CONFLICT (slot, domain, upto_s) DO UPDATE SET alerts = had.alerts + excluded.alerts
    )
    INSERT INTO latency_rollup_hour AS had SELECT hour, domain, upto_s, count(*) FROM new GROUP BY 1, 2, 3
    ON CONFLICT (slot, domain, upto_s) DO UPDATE SET alerts = had.alerts + excluded.alerts;
$$;

CREATE OR REPLACE FUNCTION add_deadletters(ids text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO deadletter_rollup AS had
    SELECT date_bin('5 minutes', landed, 'epoch'), stage, coalesce(topic, ''), reason, count(*)
    FROM deadletter WHERE deadletter_id = ANY (ids) GROUP BY 1, 2, 3, 4
    ON CONFLICT (slot, stage, topic, reason) DO UPDATE SET records = had.records + excluded.records;
$$;

-- A database that is older than these sums.
SELECT add_alerts(array_agg(alert_id)) FROM alert WHERE NOT EXISTS (SELECT FROM alert_rollup) HAVING count(*) > 0;
SELECT add_deadletters(array_agg(deadletter_id)) FROM deadletter WHERE NOT EXISTS (SELECT FROM deadletter_rollup) HAVING count(*) > 0;
INSERT INTO alert_rollup_hour
SELECT date_bin('1 hour', slot, 'epoch'), domain, detector, threat, technique, severity_id, suppressed, sum(alerts)
FROM alert_rollup WHERE NOT EXISTS (SELECT FROM alert_rollup_hour) GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO latency_rollup_hour
SELECT date_bin('1 hour', slot, 'epoch'), domain, upto_s, sum(alerts)
FROM latency_rollup WHERE NOT EXISTS (SELECT FROM latency_rollup_hour) GROUP BY 1, 2, 3;
