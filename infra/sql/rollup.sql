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

CREATE TABLE IF NOT EXISTS deadletter_rollup (
    slot   timestamptz NOT NULL,
    stage  text NOT NULL,
    topic  text NOT NULL,
    reason text NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (slot, stage, topic, reason)
);
COMMENT ON TABLE deadletter_rollup IS 'Refused records by when they landed, in slots of five minutes';

-- What lands is added to these sums: the rows of the ids, in the transaction that inserts them. Not for anybody else to call.
CREATE OR REPLACE FUNCTION add_alerts(ids text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO alert_rollup AS had
    SELECT date_bin('5 minutes', detected, 'epoch'), domain, detector, threat, technique, severity_id, suppression IS NOT NULL, count(*)
    FROM alert WHERE alert_id = ANY (ids) GROUP BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (slot, domain, detector, threat, technique, severity_id, suppressed)
    DO UPDATE SET alerts = had.alerts + excluded.alerts;

    INSERT INTO latency_rollup AS had
    SELECT date_bin('5 minutes', detected, 'epoch'), domain,
        -- Four classes an octave, from 10 ms on.
        2 ^ (ceil(4 * log(2, greatest(extract(epoch FROM landed - "time"), 0.01))) / 4), count(*)
    FROM alert WHERE alert_id = ANY (ids) GROUP BY 1, 2, 3
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
