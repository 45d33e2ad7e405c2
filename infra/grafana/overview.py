"""The overview dashboard: what a SOC operator looks at first.

What is counted over long times comes from sums in slots of five minutes, which the landing step keeps.
"""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import BAD, GOOD, WARN, WHOLE_TIME, WIDTH, Line, board, to_entity
from infra.grafana.delays import delay, delays_over_time, landing_seen
from infra.grafana.incidents import columns
from infra.grafana.panels import SEVERITIES, bars_over_time, link, number, ranking, rows, severity_cell, shares
from infra.grafana.site_map import not_on_the_map, site_map
from infra.grafana.variables import ALERT_SUMS, ALERTS, INCIDENTS, SUMS, detector, domain, severity

UID: Final = "gridwatch-overview"

_NO_ALERT: Final = "no alert of this choice in this time"
_NO_INCIDENT: Final = "no incident of this choice in this time"
#: What there is to work on, however old it is.
_WAITING: Final = "status IN ('open', 'acknowledged')"


def overview() -> Dashboard:
    """The dashboard; data source and tables are those of provisioning and `infra.database`."""
    return board(
        UID,
        "Gridwatch overview",
        "Attacks on meters, substations, vehicles and networks: what fired, where, how bad, and what to do.",
        (domain(), severity(), detector()),
        (_numbers(), _course(), _newest(), _sites(), _rankings(), _techniques(), _latest(), _health()),
        since="now-6h",
        refresh="10s",
    )


def _numbers() -> Line:
    critical = number(
        "Critical incidents",
        "Not closed, whatever time is shown.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_WAITING} AND severity_id = 5",
        [(None, GOOD), (1, BAD)],
    )
    high = number(
        "High incidents",
        "Not closed, whatever time is shown.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_WAITING} AND severity_id = 4",
        [(None, GOOD), (1, WARN)],
    )
    alerts = number(
        "Alerts",
        "Firings of detectors in this time, without those that a suppression hides.",
        f"SELECT coalesce(sum(alerts), 0)::bigint AS alerts FROM {ALERT_SUMS} WHERE {SUMS}",
        [(None, GOOD), (1, WARN)],
    )
    assets = number(
        "Assets concerned",
        "Different meters, servers, stations and vehicles with an incident in this time.",
        "SELECT count(*) AS assets FROM (SELECT FROM incident "
        f"WHERE {INCIDENTS} GROUP BY entity_kind, hashtextextended(entity, 0)) AS concerned",
        [(None, GOOD), (1, WARN)],
    )
    late = delay(
        "Event to alert, p99",
        "99 of 100 alerts were in this database so long after their event, or sooner (four classes an octave). Replayed "
        "captures count from the events of then.",
        0.99,
        "domain IN ($domain)",
    )
    letters = number(
        "Dead letters",
        "Records that were refused: malformed, hostile, or of an unknown schema. All are kept, with the reason.",
        "SELECT coalesce(sum(records), 0)::bigint AS records FROM deadletter_rollup WHERE $__timeFilter(slot)",
        [(None, GOOD), (1, WARN), (1000, BAD)],
    )
    return 4, [(4, panel) for panel in (critical, high, alerts, assets, late, letters)]


def _course() -> Line:
    by_severity = bars_over_time(
        "Alerts by severity",
        "Number of alerts, by when they were detected.",
        "SELECT $__timeGroupAlias(slot, '$__interval'), "
        f"severity_word(severity_id) AS metric, sum(alerts)::bigint AS value FROM {ALERT_SUMS} WHERE {SUMS} "
        "GROUP BY 1, severity_id ORDER BY 1, severity_id",
        SEVERITIES,
        _NO_ALERT,
        "5m",
    )
    open_ones = shares(
        "Incidents not closed",
        "By severity, whatever time is shown.",
        f"SELECT severity, count(*) AS incidents FROM incident_overview WHERE {_WAITING} "
        "GROUP BY severity, severity_id ORDER BY severity_id DESC",
        "nothing to work on",
        SEVERITIES,
    )
    by_domain = shares(
        "Alerts by domain",
        "Metering, substations, vehicles, networks, and what is found in alerts together.",
        f"SELECT domain, sum(alerts)::bigint AS alerts FROM {ALERT_SUMS} WHERE {SUMS} GROUP BY 1 ORDER BY 2 DESC",
        _NO_ALERT,
    )
    return 9, [(12, by_severity), (6, open_ones), (6, by_domain)]


def _newest() -> Line:
    newest = rows(
        "Newest incidents",
        "The 50 that were opened last in this time: alerts of one key, or of a storm, are one incident.",
        "SELECT severity, status, age_s AS age, title, entity_kind AS kind, entity, site, alerts, assignee, detector, "
        f"opened, {WHOLE_TIME} FROM incident_overview WHERE {INCIDENTS} AND $__timeFilter(opened) "
        "ORDER BY opened DESC, incident_id LIMIT 50",
        columns("severity", "status", "age", "title", "entity", "alerts", "assignee", "opened"),
        nothing=_NO_INCIDENT,
    )
    return 10, [(WIDTH, newest)]


def _sites() -> Line:
    return 12, [(16, site_map()), (8, not_on_the_map())]


def _rankings() -> Line:
    tactics = ranking(
        "ATT&CK tactics",
        "Alerts by the tactics (MITRE ATT&CK for ICS) of what their detectors find.",
        f"SELECT tactic, sum(n)::bigint AS alerts FROM (SELECT detector, sum(alerts) AS n FROM {ALERT_SUMS} WHERE {SUMS} "
        "GROUP BY 1) AS sums JOIN detector USING (detector), unnest(tactics) AS tactic GROUP BY 1 ORDER BY 2 DESC, 1",
        _NO_ALERT,
        most=15,
    )
    detectors = ranking(
        "Top detectors",
        "The ten detectors that fired most.",
        f"SELECT detector, sum(alerts)::bigint AS alerts FROM {ALERT_SUMS} WHERE {SUMS} "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
        _NO_ALERT,
    )
    entities = _busiest(
        "Top assets", "assets", "entity_kind || ' ' || left(entity, 60)", "entity_kind, left(entity, 60)"
    )
    sites = _busiest("Top sites", "sites", "left(site, 60)", "left(site, 60)")
    return 9, [(6, tactics), (6, detectors), (6, entities), (6, sites)]


def _busiest(title: str, of: str, name: str, group: str) -> Builder[Panel]:
    return ranking(
        title,
        f"The ten {of} whose incidents of this time have most alerts.",
        f"SELECT {name} AS name, sum(alerts)::bigint AS alerts FROM incident WHERE {INCIDENTS} "
        f"GROUP BY {group} ORDER BY 2 DESC, 1 LIMIT 10",
        _NO_INCIDENT,
    )


def _techniques() -> Line:
    techniques = rows(
        "ATT&CK for ICS techniques",
        "What the alerts point to, by MITRE ATT&CK for ICS; the technique links to its page.",
        f"WITH sums AS (SELECT technique, threat, sum(alerts) AS n, max(slot) AS last FROM {ALERT_SUMS} WHERE {SUMS} "
        "GROUP BY 1, 2) SELECT technique, "
        "(SELECT max(technique_name) FROM detector d WHERE d.technique = sums.technique) AS name, "
        "string_agg(threat, ', ' ORDER BY threat) AS threats, sum(n)::bigint AS alerts, max(last) AS last FROM sums "
        "GROUP BY 1 ORDER BY 4 DESC, 1",
        {
            "technique": {
                **link("MITRE ATT&CK", "https://attack.mitre.org/techniques/${__value.raw}/", elsewhere=True),
                "custom.width": 100,
            },
            "alerts": {"custom.width": 90},
            "last": {"custom.width": 170},
        },
        nothing=_NO_ALERT,
    )
    return 8, [(WIDTH, techniques)]


def _latest() -> Line:
    latest = rows(
        "Latest alerts",
        "The last 200, with what was observed, what was expected, and what to do.",
        "SELECT detected, severity, detector, entity_kind AS kind, entity, title, observed, expected, "
        'runbook AS "what to do", source, destination, site, technique, threat, "time" AS "event time", '
        f"incident_id AS incident, alert_id FROM alert_overview WHERE {ALERTS} ORDER BY detected DESC, alert_id LIMIT 200",
        {
            "detected": {"custom.width": 170},
            "severity": severity_cell(),
            "kind": {"custom.width": 80},
            "entity": link("All about it", to_entity()),
            "title": {"custom.width": 320},
            "what to do": {"custom.width": 320, "custom.inspect": True},
            "technique": {"custom.width": 90},
            "threat": {"custom.width": 80},
            "incident": link(
                "Open the incident", "/d/gridwatch-incident?var-incident=${__value.raw}&${__url_time_range}"
            ),
        },
        sort_by="detected",
        nothing=_NO_ALERT,
    )
    return 11, [(WIDTH, latest)]


def _health() -> Line:
    landed = landing_seen()
    return 8, [
        (4, landed),
        (20, delays_over_time("Event to alert", "From the event to this database.", "domain IN ($domain)")),
    ]
