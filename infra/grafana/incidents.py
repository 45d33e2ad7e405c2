"""The dashboard Incidents: the work list of a shift."""

from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.grafana.board import BAD, GOOD, WARN, WHOLE_TIME, WIDTH, board, to_entity, to_incident
from infra.grafana.panels import SEVERITIES, bars_over_time, link, number, rows, severity_cell, shares, status_cell
from infra.grafana.variables import INCIDENTS, among, assignee, detector, domain, severity, site, status

UID: Final = "gridwatch-incidents"

_ASSIGNED: Final = "coalesce(assignee, 'nobody')"
_CHOSEN: Final = f"{INCIDENTS} AND status IN ($status) AND {among('site', 'site')} AND {among(_ASSIGNED, 'assignee')}"
_NOTHING: Final = "no incident of this choice in this time"

#: How tables of incidents show their columns; a table need not have them all.
COLUMNS: Final[dict[str, dict[str, Any]]] = {
    "severity": severity_cell(),
    "status": status_cell(),
    "age": {"unit": "s", "custom.width": 90},
    "waiting": {"unit": "s", "custom.width": 90},
    "title": {**link("Open the incident", to_incident()), "custom.minWidth": 320},
    "entity": link("All about it", to_entity()),
    "alerts": {"custom.width": 75},
    "assignee": {"custom.width": 110},
    "opened": {"custom.width": 170},
    "updated": {"custom.width": 170},
    "incident": {**link("Open the incident", to_incident()), "custom.width": 120},
    "from": {"custom.hidden": True},
    "to": {"custom.hidden": True},
}


def columns(*names: str) -> dict[str, dict[str, Any]]:
    """`COLUMNS` of these names, and of those that links need."""
    return {name: COLUMNS[name] for name in (*names, "incident", "from", "to")}


def incidents() -> Dashboard:
    """The dashboard."""
    waiting = number(
        "Nobody's yet",
        "Open incidents of this choice that nobody has acknowledged.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_CHOSEN} AND status = 'open'",
        [(None, GOOD), (1, WARN)],
    )
    grave = number(
        "High and critical",
        "Incidents of this choice that are of the two worst severities and not closed.",
        f"SELECT count(*) AS incidents FROM incident WHERE {_CHOSEN} AND status <> 'closed' AND severity_id >= 4",
        [(None, GOOD), (1, BAD)],
    )
    longest = number(
        "Longest wait",
        "How long the oldest open incident of this choice waits for somebody.",
        f"SELECT extract(epoch FROM now() - min(since)) AS seconds FROM incident WHERE {_CHOSEN} AND status = 'open'",
        [(None, GOOD), (900, WARN), (3600, BAD)],
        unit="s",
        nothing="none waits",
    )
    taken = number(
        "Time to acknowledge",
        "Median, from opening to somebody's taking it up, of the incidents of this choice that were acknowledged.",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM acknowledged - since)) AS seconds "
        f"FROM incident WHERE {_CHOSEN} AND acknowledged IS NOT NULL",
        [(None, GOOD), (900, WARN), (3600, BAD)],
        unit="s",
        nothing="none acknowledged",
    )
    left_out = number(
        "Open, but older",
        "Incidents that are not closed and to which nothing happened in the time shown: choose a longer time to see them.",
        "SELECT count(*) AS incidents FROM incident WHERE status IN ('open', 'acknowledged') AND updated < $__timeFrom()",
        [(None, GOOD), (1, WARN)],
    )
    by_status = shares(
        "By status",
        "Incidents of this choice.",
        f"SELECT status, count(*) AS incidents FROM incident WHERE {_CHOSEN} GROUP BY 1 ORDER BY 1",
        _NOTHING,
        {"open": BAD, "acknowledged": "#fade2a", "closed": GOOD},
    )
    opened = bars_over_time(
        "Opened",
        "Incidents of this choice by when they were opened.",
        "SELECT $__timeGroupAlias(opened, '$__interval'), severity AS metric, count(*) AS value FROM incident_overview "
        f"WHERE {_CHOSEN} AND $__timeFilter(opened) GROUP BY 1, 2 ORDER BY 1, 2",
        SEVERITIES,
        _NOTHING,
        "1m",
    )
    work = rows(
        "Work list",
        "Incidents to which something happened in the time shown, an alert or a step; what waits comes first, the worst "
        "and latest of it first; the first 500. The title leads to the incident.",
        "SELECT severity, status, age_s AS age, waiting_s AS waiting, title, entity_kind AS kind, entity, site, alerts, "
        f"assignee, detector, domain, opened, updated, verdict, {WHOLE_TIME} FROM incident_overview WHERE {_CHOSEN} "
        "ORDER BY status = 'closed', severity_id DESC, updated DESC, incident_id LIMIT 500",
        columns("severity", "status", "age", "waiting", "title", "entity", "alerts", "assignee", "opened", "updated"),
        nothing=_NOTHING,
    )
    return board(
        UID,
        "Gridwatch incidents",
        "The work list: what is open, how bad it is, how long it waits and who is at it.",
        (status(), severity(), domain(), site(), detector(), assignee()),
        (
            (4, [(5, waiting), (5, grave), (5, longest), (5, taken), (4, left_out)]),
            (22, [(WIDTH, work)]),
            (8, [(6, by_status), (18, opened)]),
        ),
        since="now-7d",
    )
