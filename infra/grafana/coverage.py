"""The dashboard Threat coverage: which threats are served by what, what fired, and what is an accepted gap."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.grafana.board import BAD, GOOD, WARN, WIDTH, board
from infra.grafana.panels import link, number, ranking, rows, severity_cell
from infra.grafana.variables import ALERT_SUMS

UID: Final = "gridwatch-coverage"

_NOT_TOLD: Final = "the landing step has not yet told the catalogue"
_FIRED: Final = (
    f"SELECT detector, sum(alerts) AS alerts, max(slot) AS last FROM {ALERT_SUMS} WHERE $__timeFilter(slot) GROUP BY 1"
)


def coverage() -> Dashboard:
    """The dashboard."""
    served = number(
        "Threats served",
        "Threats of the catalogue that a detector serves.",
        "SELECT count(*) AS threats FROM threat WHERE current AND gap IS NULL",
        [(None, GOOD)],
    )
    gaps = number(
        "Accepted gaps",
        "Threats that nothing serves yet; the table says why.",
        "SELECT count(*) AS threats FROM threat WHERE current AND gap IS NOT NULL",
        [(None, GOOD), (1, WARN)],
    )
    known = number(
        "Detectors", "In the catalogue.", "SELECT count(*) AS detectors FROM detector WHERE current", [(None, GOOD)]
    )
    fired = number(
        "Threats seen",
        "Different threats with an alert in this time, of suppressed ones too.",
        f"SELECT count(*) AS threats FROM (SELECT threat FROM {ALERT_SUMS} WHERE $__timeFilter(slot) GROUP BY 1) AS seen",
        [(None, GOOD), (1, BAD)],
    )
    seen = ranking(
        "Alerts by ATT&CK tactic",
        "Alerts of this time by the tactics (MITRE ATT&CK for ICS) of what their detectors find.",
        f"SELECT tactic, sum(alerts)::bigint AS alerts FROM ({_FIRED}) AS fired JOIN detector USING (detector), "
        "unnest(tactics) AS tactic GROUP BY 1 ORDER BY 2 DESC, 1",
        "no alert in this time",
        most=15,
    )
    able = ranking(
        "Detectors by ATT&CK tactic",
        "How many detectors find something of a tactic.",
        "SELECT tactic, count(*) AS detectors FROM detector, unnest(tactics) AS tactic WHERE current "
        "GROUP BY 1 ORDER BY 2 DESC, 1",
        _NOT_TOLD,
        most=15,
    )
    threats = rows(
        "Threats and their detectors",
        "Every threat of the catalogue: what serves it, what of that fired in this time, and how it did in the last "
        "evaluation (share of attacks found, and after how long).",
        f"WITH fired AS ({_FIRED}) SELECT t.threat, t.title, t.domain, severity_word(t.severity_id) AS severity, count(d.detector) AS "
        "detectors, count(f.detector) AS fired, coalesce(sum(f.alerts), 0)::bigint AS alerts, max(f.last) AS last, "
        "t.recall AS found, t.after_s AS after, t.technique, array_to_string(t.tactics, ', ') AS tactics, "
        "string_agg(d.detector, ', ' ORDER BY d.detector) AS \"served by\", t.gap FROM threat t LEFT JOIN detector d ON "
        "d.threat = t.threat AND d.current LEFT JOIN fired f ON f.detector = d.detector WHERE t.current GROUP BY t.threat "
        "ORDER BY 1",
        {
            "threat": {"custom.width": 80},
            "title": {"custom.minWidth": 280},
            "severity": severity_cell(),
            "detectors": {"custom.width": 90},
            "fired": {"custom.width": 70},
            "alerts": {"custom.width": 80},
            "last": {"custom.width": 170},
            "found": {"unit": "percentunit", "custom.width": 80},
            "after": {"unit": "s", "custom.width": 90},
            "technique": {
                **link("MITRE ATT&CK", "https://attack.mitre.org/techniques/${__value.raw}/", elsewhere=True),
                "custom.width": 90,
            },
            "served by": {"custom.inspect": True},
            "gap": {"custom.inspect": True},
        },
        nothing=_NOT_TOLD,
    )
    return board(
        UID,
        "Gridwatch threat coverage",
        "The threats of the catalogue: which detectors serve them, what fired, and what is an accepted gap.",
        (),
        (
            (4, [(6, served), (6, gaps), (6, known), (6, fired)]),
            (9, [(12, seen), (12, able)]),
            (22, [(WIDTH, threats)]),
        ),
        since="now-30d",
        refresh="5m",
    )
