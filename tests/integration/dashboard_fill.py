"""A database as after thirty days of work, made in PostgreSQL itself: many alerts, incidents, their sums."""

import time
from typing import Any

import psycopg

from detectors.catalog import DETECTORS
from jobs.land.catalogue import keep

#: The incident that is a storm, and how many alerts it has of a thousand; an entity and a detector of the rare kind.
STORM = "storm"
STORM_PERMILLE = 10
ENTITY = "entity-7"

# Few detectors and entities have most of the alerts, and a detector has one severity or two, as it is; ten alerts are one
# incident. Numbers follow from the alert's own.
_ALERTS = """
    CREATE TEMPORARY TABLE made AS
    SELECT *, CASE WHEN b < 0.9 THEN 1 + d %% 4 ELSE 2 + d %% 4 END AS severity_id, d %% 15 = 2 AS suppressed FROM (
    SELECT i, md5(i::text) AS alert_id,
        now() - interval '30 days' * (1 - i::double precision / %(alerts)s) AS detected,
        1 + floor(cardinality(%(detectors)s::text[]) * power(a, 5))::int AS d,
        b,
        CASE WHEN i %% 1000 < %(storm)s THEN 0 ELSE 1 + i / 10 END AS incident,
        'site-' || floor(500 * power(c, 2)) AS site, 'entity-' || floor(20000 * power(e, 2)) AS entity,
        CASE WHEN i %% 2 = 0 THEN 'source-' || floor(5000 * power(f, 3)) END AS source,
        CASE WHEN i %% 3 = 0 THEN 'entity-' || floor(20000 * power(g, 2)) END AS destination,
        0.2 * power(30, h) AS late_s
    FROM generate_series(1, %(alerts)s) AS i,
        LATERAL (SELECT random() a, random() b, random() c, random() e, random() f, random() g, random() h, i AS own) AS r
    ) AS drawn
"""
_INCIDENTS = """
    INSERT INTO incident (incident_id, kind, status, dedup, domain, site, entity_kind, entity, detector, threat, technique,
        severity_id, title, first_time, last_time, alerts, opened, updated, version, assignee, verdict, since, acknowledged, closed)
    SELECT name, CASE incident WHEN 0 THEN 'storm' ELSE 'alerts' END, status, md5(name), (%(domains)s::text[])[d], site, 'device',
        entity, (%(detectors)s::text[])[d], (%(threats)s::text[])[d], (%(techniques)s::text[])[d], severity, 'Title of ' || name,
        first, last, n, first, last, 1, CASE WHEN incident %% 4 > 0 THEN 'person-' || incident %% 7 END,
        CASE WHEN status = 'closed' THEN (ARRAY['false_positive', 'true_positive', 'benign'])[1 + incident %% 3] END, first,
        CASE WHEN status <> 'open' THEN first + interval '9 minutes' END, CASE WHEN status = 'closed' THEN last END
    FROM (
        SELECT incident, CASE incident WHEN 0 THEN 'storm' ELSE md5('incident' || incident) END AS name,
            CASE WHEN incident %% 20 < 17 AND incident > 0 THEN 'closed' WHEN incident %% 20 = 17 THEN 'acknowledged'
                ELSE 'open' END AS status,
            min(site) AS site, min(entity) AS entity, min(d) AS d, max(severity_id) AS severity, min(detected) AS first,
            max(detected) AS last, count(*) AS n
        FROM made WHERE NOT suppressed GROUP BY incident
    ) AS grouped
"""
_LAND = """
    INSERT INTO alert (alert_id, "time", detected, landed, detector, detector_version, threat, technique, severity_id,
        confidence_id, domain, record, site, entity_kind, entity, source, destination, first_time, last_time, title, observed,
        expected, dedup, runbook, topic, "partition", offsets, evidence, incident_id, suppression)
    SELECT alert_id, detected - interval '1 second' * late_s / 2, detected, detected + interval '1 second' * late_s / 2,
        (%(detectors)s::text[])[d], 1, (%(threats)s::text[])[d], (%(techniques)s::text[])[d], severity_id, 2, (%(domains)s::text[])[d],
        'record', site, 'device', entity, source, destination, detected, detected, 'Title of alert ' || i, 'observed ' || i,
        'expected less', md5(entity), ARRAY['Look at the device.', 'Ask who works on it.'], 'telemetry', 0, ARRAY[i::bigint],
        ARRAY['{"time": 1, "device": "' || entity || '", "value": ' || i || ', "note": "' || repeat(md5(i::text), 6) || '"}'],
        CASE WHEN suppressed THEN NULL WHEN incident = 0 THEN 'storm' ELSE md5('incident' || incident) END,
        CASE WHEN suppressed THEN 'quiet-' || i %% 3 END
    FROM made ORDER BY i
"""
_SUMS = (
    """
    INSERT INTO alert_rollup
    SELECT date_bin('5 minutes', detected, 'epoch'), domain, detector, threat, technique, severity_id, suppression IS NOT NULL, count(*)
    FROM alert GROUP BY 1, 2, 3, 4, 5, 6, 7
    """,
    """
    INSERT INTO latency_rollup
    SELECT date_bin('5 minutes', detected, 'epoch'), domain, latency_class(landed - "time"), count(*)
    FROM alert GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO alert_rollup_hour
    SELECT date_bin('1 hour', slot, 'epoch'), domain, detector, threat, technique, severity_id, suppressed, sum(alerts)
    FROM alert_rollup GROUP BY 1, 2, 3, 4, 5, 6, 7
    """,
    "INSERT INTO latency_rollup_hour SELECT date_bin('1 hour', slot, 'epoch'), domain, upto_s, sum(alerts) FROM latency_rollup"
    " GROUP BY 1, 2, 3",
    """
    INSERT INTO deadletter_rollup
    SELECT now() - interval '5 minutes' * n, 'detect', 'telemetry.' || n % 5, 'reason ' || n % 4, n % 50 FROM generate_series(1, 8640) n
    """,
    """
    INSERT INTO deadletter ("time", stage, reason, detail, topic, "partition", "offset", length, content, deadletter_id, landed)
    SELECT now(), 'detect', 'reason ' || n % 4, 'detail', 'telemetry', 0, n, 10, '\\x00', n::text, now() - interval '20 seconds' * n
    FROM generate_series(1, 100000) n
    """,
    """
    INSERT INTO incident_event (incident_id, version, actor, action, status)
    SELECT incident_id, 1, 'anna', 'comment', status FROM incident
    """,
    "INSERT INTO lake_file (record, domain, day, rows, planned, written) SELECT 'alert', 'meter', now()::date, 1000,"
    " now() - interval '5 minutes' * n, now() FROM generate_series(1, 8640) n",
    "INSERT INTO landed_position (cluster, topic, \"partition\", next_offset, seen) SELECT 'c', 'alerts', n, 9, now()"
    " FROM generate_series(0, 11) n",
)


def fill(connection: psycopg.Connection[Any], alerts: int) -> float:
    """Put so many alerts into an empty database, a tenth as many incidents, and what belongs to them.

    Returns:
        seconds that the insertion of the alerts took.
    """
    values = {
        "alerts": alerts,
        "storm": STORM_PERMILLE,
        "detectors": [d.id for d in DETECTORS],
        "domains": [d.record.domain.value for d in DETECTORS],
        "threats": [d.threat.id for d in DETECTORS],
        "techniques": [d.threat.technique.id for d in DETECTORS],
    }
    keep(connection)
    with connection.transaction():
        connection.execute("SELECT setseed(0.5)")
        connection.execute(_ALERTS, values)
        connection.execute("ANALYZE made")
        connection.execute(_INCIDENTS, values)
        began = time.perf_counter()
        connection.execute(_LAND, values)
        took = time.perf_counter() - began
        for statement in _SUMS:
            connection.execute(statement.encode())
    connection.execute("VACUUM (ANALYZE)")
    return took
