"""The dashboard Entity: one meter, device, address or vehicle across everything."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.grafana.board import BAD, ENTITY_UID, GOOD, WARN, WHOLE_TIME, WIDTH, board, to_entity
from infra.grafana.incidents import columns
from infra.grafana.panels import SEVERITIES, bars_over_time, link, number, ranking, rows, severity_cell
from infra.grafana.variables import severity, text

_ENTITY: Final = "${entity:sqlstring}"
_NO_ENTITY: Final = "choose an entity: follow its name on another dashboard, or put it into the field above"
_SHOWN: Final = "$__timeFilter(detected) AND severity_id >= $severity"


def _named(column: str) -> str:
    """Alerts that name the entity in a column: names come from the wire and may be long, so the index holds their hash."""
    return f"hashtextextended({column}, 0) = hashtextextended({_ENTITY}, 0) AND {column} = {_ENTITY} AND {_SHOWN}"


#: Alerts about it; those in which it acted, and in which others acted on it.
_ABOUT: Final = _named("entity")
_INCIDENTS: Final = f"entity = {_ENTITY} AND severity_id >= $severity"


def entity() -> Dashboard:
    """The dashboard."""
    waiting = number(
        "Incidents not closed",
        "Of this entity, whatever time is shown.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_INCIDENTS} AND status <> 'closed'",
        [(None, GOOD), (1, BAD)],
    )
    ever = number(
        "Incidents ever",
        "Of this entity, whatever time is shown.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_INCIDENTS}",
        [(None, GOOD)],
    )
    about = number(
        "Alerts about it",
        "In the time shown, with those that a suppression hides.",
        f"SELECT count(*) AS alerts FROM alert WHERE {_ABOUT}",
        [(None, GOOD), (1, WARN)],
    )
    acted = number(
        "Alerts in which it acted",
        "In the time shown: alerts, also about others, that name it as their source.",
        f"SELECT count(*) AS alerts FROM alert WHERE {_named('source')}",
        [(None, GOOD), (1, WARN)],
    )
    over_time = bars_over_time(
        "Alerts about it, by severity",
        "By when they were detected.",
        "SELECT $__timeGroupAlias(detected, '$__interval'), severity AS metric, count(*) AS value FROM alert_overview "
        f"WHERE {_ABOUT} GROUP BY 1, 2 ORDER BY 1, 2",
        SEVERITIES,
        "no alert about it in this time",
        "1s",
    )
    by_detector = ranking(
        "What fired",
        "The ten detectors with most alerts about it.",
        f"SELECT detector, count(*) AS alerts FROM alert WHERE {_ABOUT} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
        "no alert about it in this time",
    )
    own = rows(
        "Its incidents",
        "The latest 200, whatever time is shown.",
        "SELECT severity, status, title, entity_kind AS kind, site, domain, alerts, assignee, verdict, detector, opened, "
        f"updated, {WHOLE_TIME} FROM incident_overview WHERE {_INCIDENTS} ORDER BY updated DESC, incident_id LIMIT 200",
        columns("severity", "status", "title", "alerts", "assignee", "opened", "updated"),
        nothing=_NO_ENTITY,
    )
    other = {"other": {**link("All about it", to_entity()), "custom.minWidth": 160}, "last": {"custom.width": 170}}
    peers = rows(
        "Who acted on it, and on whom it acted",
        "Sources and destinations of the alerts that name it, in the time shown; the 50 with most alerts.",
        "SELECT role, other, count(*) AS alerts, max(severity) AS severity, string_agg(DISTINCT detector, ', ') AS "
        "detectors, max(detected) AS last FROM ("
        "SELECT 'acted on it' AS role, source AS other, severity_id AS severity, detector, detected "
        f"FROM alert WHERE {_ABOUT} AND source <> {_ENTITY} UNION ALL "
        "SELECT 'acted on it', source, severity_id, detector, detected "
        f"FROM alert WHERE {_named('destination')} AND entity <> {_ENTITY} AND source IS NOT NULL UNION ALL "
        "SELECT 'it acted on', coalesce(destination, entity), severity_id, detector, detected "
        f"FROM alert WHERE {_named('source')} AND coalesce(destination, entity) <> {_ENTITY}"
        ") AS pairs GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 50",
        other,
        nothing="no alert names it together with somebody else in this time",
    )
    latest = rows(
        "Latest alerts about it",
        "The last 200 in the time shown.",
        "SELECT detected, severity, detector, title, observed, expected, source, destination, site, technique, threat, "
        '"time" AS "event time", suppression, incident_id AS incident, alert_id FROM alert_overview '
        f"WHERE {_ABOUT} ORDER BY detected DESC, alert_id LIMIT 200",
        {
            "detected": {"custom.width": 170},
            "severity": severity_cell(),
            "title": {"custom.minWidth": 260},
            "source": link("All about it", to_entity()),
            "destination": link("All about it", to_entity()),
            "incident": link(
                "Open the incident", "/d/gridwatch-incident?var-incident=${__value.raw}&${__url_time_range}"
            ),
        },
        nothing="no alert about it in this time",
    )
    return board(
        ENTITY_UID,
        "Gridwatch entity",
        "One meter, device, address or vehicle across everything: incidents, alerts, and whom it deals with.",
        (text("entity", "Entity"), severity()),
        (
            (4, [(6, waiting), (6, ever), (6, about), (6, acted)]),
            (8, [(16, over_time), (8, by_detector)]),
            (9, [(WIDTH, own)]),
            (9, [(WIDTH, peers)]),
            (10, [(WIDTH, latest)]),
        ),
        since="now-7d",
    )
