"""The overview dashboard: what a SOC operator looks at first.

Time on every panel is the time of detection: an event time is chosen by whoever sends the record, and a forged one
would hide its alert from the last hour.
"""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import BAD as _BAD
from infra.grafana.board import GOOD as _GOOD
from infra.grafana.board import WARN as _WARN
from infra.grafana.board import WIDTH, board
from infra.grafana.panels import (
    SEVERITIES,
    bars_over_time,
    lines_over_time,
    number,
    ranking,
    rows,
    severity_cell,
    shares,
)
from infra.grafana.variables import ALERTS as CHOSEN
from infra.grafana.variables import detector, domain, severity

UID: Final = "gridwatch-overview"
TITLE: Final = "Gridwatch overview"


def _alerts() -> tuple[tuple[int, Builder[Panel]], ...]:
    """First line: numbers. Width and panel."""
    return (
        (
            4,
            number(
                "Alerts",
                "Firings of detectors in this time.",
                f"SELECT count(*) AS alerts FROM alert_overview WHERE {CHOSEN}",
                [(None, _GOOD), (1, _WARN)],
            ),
        ),
        (
            4,
            number(
                "High and critical",
                "Alerts of the two worst severities.",
                f"SELECT count(*) AS alerts FROM alert_overview WHERE {CHOSEN} AND severity_id >= 4",
                [(None, _GOOD), (1, _BAD)],
            ),
        ),
        (
            4,
            number(
                "Incidents",
                "What there is to work on: alerts of one key, or of a storm, are one incident.",
                f"SELECT count(DISTINCT incident_id) AS incidents FROM alert_overview WHERE {CHOSEN}",
                [(None, _GOOD), (1, _WARN)],
            ),
        ),
        (
            4,
            number(
                "Assets concerned",
                "Different meters, servers, stations and vehicles with an alert.",
                f"SELECT count(DISTINCT (entity_kind, entity)) AS assets FROM alert_overview WHERE {CHOSEN}",
                [(None, _GOOD), (1, _WARN)],
            ),
        ),
        (
            4,
            number(
                "Event to alert, p99",
                "99 of 100 alerts were in this database so long after their event, or sooner. Replayed captures count "
                "from the events of then.",
                "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY event_to_landed_s) AS p99 "
                f"FROM alert_overview WHERE {CHOSEN}",
                [(None, _GOOD), (2, _WARN), (10, _BAD)],
                unit="s",
                nothing="–",
            ),
        ),
        (
            4,
            number(
                "Dead letters",
                "Records that were refused: malformed, hostile, or of an unknown schema. All are kept, with the reason.",
                "SELECT count(*) AS records FROM deadletter WHERE $__timeFilter(landed)",
                [(None, _GOOD), (1, _WARN), (1000, _BAD)],
            ),
        ),
    )


def _course() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            16,
            bars_over_time(
                "Alerts by severity",
                "Number of alerts, by when they were detected.",
                "SELECT $__timeGroupAlias(detected, '$__interval'), severity AS metric, count(*) AS value "
                f"FROM alert_overview WHERE {CHOSEN} GROUP BY 1, 2 ORDER BY 1, 2",
                SEVERITIES,
            ),
        ),
        (
            8,
            shares(
                "Alerts by domain",
                "Metering, substations, vehicles, networks.",
                f"SELECT domain, count(*) AS alerts FROM alert_overview WHERE {CHOSEN} GROUP BY 1 ORDER BY 2 DESC",
            ),
        ),
    )


def _rankings() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            8,
            ranking(
                "Top detectors",
                "The ten detectors that fired most.",
                f"SELECT detector, count(*) AS alerts FROM alert_overview WHERE {CHOSEN} "
                "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
            ),
        ),
        (
            8,
            ranking(
                "Top assets",
                "The ten assets with most alerts.",
                "SELECT entity_kind || ' ' || left(entity, 60) AS asset, count(*) AS alerts FROM alert_overview "
                f"WHERE {CHOSEN} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
            ),
        ),
        (
            8,
            rows(
                "ATT&CK for ICS techniques",
                "What the alerts point to, by MITRE ATT&CK for ICS; the technique links to its page.",
                "SELECT technique, string_agg(DISTINCT threat, ', ' ORDER BY threat) AS threats, count(*) AS alerts, "
                f"max(detected) AS last FROM alert_overview WHERE {CHOSEN} GROUP BY 1 ORDER BY 3 DESC, 1",
                {
                    "technique": {
                        "links": [
                            {
                                "title": "MITRE ATT&CK",
                                "url": "https://attack.mitre.org/techniques/${__value.raw}/",
                                "targetBlank": True,
                            }
                        ],
                        "custom.width": 100,
                    },
                    "alerts": {"custom.width": 80},
                },
            ),
        ),
    )


def _incidents() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            WIDTH,
            rows(
                "Incidents",
                "Alerts of one key, or of a storm, together: how often, since when, how bad.",
                "SELECT (array_agg(severity ORDER BY severity_id DESC))[1] AS severity, count(*) AS alerts, "
                "min(detected) AS first, max(detected) AS last, detector, "
                "(array_agg(title ORDER BY detected DESC))[1] AS latest, incident_id AS incident "
                f"FROM alert_overview WHERE {CHOSEN} GROUP BY detector, incident_id "
                "ORDER BY max(severity_id) DESC, max(detected) DESC LIMIT 200",
                {
                    "severity": severity_cell(),
                    "alerts": {"custom.width": 80},
                    "first": {"custom.width": 170},
                    "last": {"custom.width": 170},
                },
            ),
        ),
    )


def _latest() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            WIDTH,
            rows(
                "Latest alerts",
                "The last 200, with what was observed, what was expected, and what to do.",
                "SELECT detected, severity, detector, entity_kind AS kind, entity, title, observed, expected, "
                'runbook AS "what to do", source, destination, site, technique, threat, "time" AS "event time", '
                f"alert_id FROM alert_overview WHERE {CHOSEN} ORDER BY detected DESC, alert_id LIMIT 200",
                {
                    "detected": {"custom.width": 170},
                    "severity": severity_cell(),
                    "kind": {"custom.width": 80},
                    "title": {"custom.width": 320},
                    "what to do": {"custom.width": 320, "custom.inspect": True},
                    "technique": {"custom.width": 90},
                    "threat": {"custom.width": 80},
                },
                sort_by="detected",
            ),
        ),
    )


def _health() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            lines_over_time(
                "Latency",
                "Median and 99th percentile: from the event to its detection, and from there to this database.",
                "SELECT $__timeGroupAlias(detected, '$__interval'), leg AS metric, "
                "percentile_cont(share) WITHIN GROUP (ORDER BY seconds) AS value FROM alert_overview, LATERAL (VALUES "
                "('event to detection, p50', event_to_detected_s, 0.5), "
                "('event to detection, p99', event_to_detected_s, 0.99), "
                "('detection to database, p50', detected_to_landed_s, 0.5), "
                "('detection to database, p99', detected_to_landed_s, 0.99)) AS legs(leg, seconds, share) "
                f"WHERE {CHOSEN} GROUP BY 1, leg, share ORDER BY 1, 2",
                unit="s",
            ),
        ),
        (
            12,
            bars_over_time(
                "Dead letters by reason",
                "Refused records, by when they were landed.",
                "SELECT $__timeGroupAlias(landed, '$__interval'), reason AS metric, count(*) AS value FROM deadletter "
                "WHERE $__timeFilter(landed) GROUP BY 1, 2 ORDER BY 1, 2",
                {},
            ),
        ),
    )


def _stores() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            14,
            rows(
                "Latest dead letters",
                "The last 100 refused records: who refused them, why, and where they stand.",
                "SELECT landed, stage, reason, detail, coalesce(capture, topic) AS place, "
                "coalesce(frame, \"offset\") AS position, length, encode(substring(content FROM 1 FOR 32), 'hex') "
                'AS "first bytes" FROM deadletter WHERE $__timeFilter(landed) ORDER BY landed DESC LIMIT 100',
                {"landed": {"custom.width": 170}, "length": {"unit": "bytes"}},
                sort_by="landed",
            ),
        ),
        (
            10,
            rows(
                "Landing",
                "How far each topic was landed, and what of it stands in Parquet files.",
                "SELECT p.topic, sum(p.next_offset)::bigint AS offsets, max(p.updated) AS updated, "
                "(SELECT count(*) FROM lake_file f WHERE f.written IS NOT NULL AND p.topic LIKE f.record || '%') "
                'AS "Parquet files", '
                "(SELECT coalesce(sum(rows), 0)::bigint FROM lake_file f "
                "WHERE f.written IS NOT NULL AND p.topic LIKE f.record || '%') AS \"rows in Parquet\" "
                "FROM landed_position p GROUP BY p.topic ORDER BY p.topic",
                {"updated": {"custom.width": 170}},
            ),
        ),
    )


#: The dashboard from top to bottom: height of a line, and its panels from left to right.
LINES: Final = ((4, _alerts), (9, _course), (9, _rankings), (8, _incidents), (11, _latest), (8, _health), (8, _stores))


def overview() -> Dashboard:
    """The dashboard; data source and tables are those of provisioning and `infra.database`."""
    return board(
        UID,
        TITLE,
        "Attacks on meters, substations, vehicles and networks: what fired, where, how bad, and what to do.",
        (domain(), severity(), detector()),
        [(height, line()) for height, line in LINES],
        since="now-1h",
        refresh="10s",
    )
