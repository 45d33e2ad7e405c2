"""The dashboard Detectors: how much each says, how often it was wrong, and what is hidden of it."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.grafana import detection
from infra.grafana.board import BAD, GOOD, WARN, WIDTH, board
from infra.grafana.panels import bars_over_time, link, number, rows, severity_cell, shares
from infra.grafana.variables import ALERT_SUMS, SLOT_TIME, SUMS, among, detector, domain, severity

UID: Final = "gridwatch-detectors"

_CHOICE: Final = f"domain IN ($domain) AND severity_id >= $severity AND {among('detector', 'detector')}"
#: Sums of this choice, of suppressed alerts too; incidents that were closed in this time.
_ALL_SUMS: Final = f"$__timeFilter(slot) AND {_CHOICE}"
_CLOSED: Final = f"$__timeFilter(closed) AND {_CHOICE}"
_NO_ALERT: Final = "no alert of this choice in this time"


def detectors() -> Dashboard:
    """The dashboard."""
    alerts = number(
        "Alerts",
        "Of this choice, in this time, without those that a suppression hides.",
        f"SELECT coalesce(sum(alerts), 0)::bigint AS alerts FROM {ALERT_SUMS} WHERE {SUMS}",
        [(None, GOOD)],
    )
    hidden = number(
        "Suppressed",
        "Alerts of this choice that a suppression hid.",
        f"SELECT coalesce(sum(alerts), 0)::bigint AS alerts FROM {ALERT_SUMS} WHERE {_ALL_SUMS} AND suppressed",
        [(None, GOOD), (1, WARN)],
    )
    firing = number(
        "Detectors that fired",
        "In this time, of this choice.",
        f"SELECT count(*) AS detectors FROM (SELECT detector FROM {ALERT_SUMS} WHERE {_ALL_SUMS} GROUP BY 1) AS fired",
        [(None, GOOD)],
    )
    wrong = number(
        "False positives",
        "Share of the incidents closed in this time whose verdict was false_positive.",
        "SELECT (count(*) FILTER (WHERE verdict = 'false_positive'))::double precision / nullif(count(*), 0) AS share "
        f"FROM incident WHERE {_CLOSED}",
        [(None, GOOD), (0.1, WARN), (0.5, BAD)],
        unit="percentunit",
        nothing="none closed",
    )
    volume = bars_over_time(
        "Alerts by detector",
        "The ten detectors that fired most, and the others together; without what a suppression hides.",
        f"WITH top AS (SELECT detector, detector AS name FROM {ALERT_SUMS} WHERE {SUMS} GROUP BY 1 "
        f"ORDER BY sum(alerts) DESC, 1 LIMIT 10) SELECT {SLOT_TIME} AS time, coalesce(name, 'others') AS metric, "
        f"sum(alerts)::bigint AS value FROM {ALERT_SUMS} LEFT JOIN top USING (detector) WHERE {SUMS} "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        {},
        _NO_ALERT,
        "5m",
    )
    verdicts = shares(
        "Verdicts",
        "Of the incidents of this choice that were closed in this time.",
        f"SELECT replace(verdict, '_', ' ') AS verdict, count(*) AS incidents FROM incident WHERE {_CLOSED} "
        "GROUP BY 1 ORDER BY 2 DESC",
        "no incident was closed in this time",
    )
    each = rows(
        "Each detector",
        "What it said in this time, what of it a suppression hid, and what came out of its incidents that were closed in "
        "this time; one that never fires may be off for want of a site fact.",
        "WITH said AS (SELECT detector, sum(alerts) FILTER (WHERE NOT suppressed) AS alerts, sum(alerts) FILTER (WHERE "
        f"suppressed) AS hidden, max(slot) AS last FROM {ALERT_SUMS} WHERE {_ALL_SUMS} GROUP BY 1), judged AS (SELECT "
        "detector, count(*) AS closed, count(*) FILTER (WHERE verdict = 'false_positive') AS wrong FROM incident "
        f"WHERE {_CLOSED} GROUP BY 1) SELECT detector, coalesce(alerts, 0)::bigint AS alerts, coalesce(hidden, 0)::bigint "
        'AS suppressed, last, coalesce(closed, 0) AS closed, wrong AS "false positives", '
        'wrong::double precision / nullif(closed, 0) AS "false share", d.record, d.threat, d.technique, '
        "d.technique_name AS \"technique name\", array_to_string(d.needs, ', ') AS needs, d.version "
        "FROM said FULL JOIN judged USING (detector) FULL JOIN (SELECT * FROM detector WHERE current AND "
        f"{_CHOICE}) AS d USING (detector) ORDER BY 2 DESC, 1",
        {
            "detector": {"custom.minWidth": 190},
            "alerts": {"custom.width": 90},
            "suppressed": {"custom.width": 105},
            "last": {"custom.width": 170},
            "closed": {"custom.width": 75},
            "false share": {"unit": "percentunit"},
            "technique": {
                **link("MITRE ATT&CK", "https://attack.mitre.org/techniques/${__value.raw}/", elsewhere=True),
                "custom.width": 90,
            },
            "version": {"custom.width": 75},
        },
        nothing="the landing step has not yet told the catalogue",
    )
    techniques = rows(
        "By technique",
        "MITRE ATT&CK for ICS: what the alerts of this choice point to.",
        f"WITH sums AS (SELECT technique, detector, suppressed, sum(alerts) AS n FROM {ALERT_SUMS} WHERE {_ALL_SUMS} "
        "GROUP BY 1, 2, 3) SELECT technique, "
        "(SELECT max(technique_name) FROM detector d WHERE d.technique = sums.technique) AS name, "
        "count(DISTINCT detector) AS detectors, (sum(n) FILTER (WHERE NOT suppressed))::bigint AS alerts, "
        "(sum(n) FILTER (WHERE suppressed))::bigint AS suppressed FROM sums "
        "GROUP BY 1 ORDER BY 4 DESC NULLS LAST, 1",
        {
            "technique": {
                **link("MITRE ATT&CK", "https://attack.mitre.org/techniques/${__value.raw}/", elsewhere=True),
                "custom.width": 90,
            }
        },
        nothing=_NO_ALERT,
    )
    suppressions = rows(
        "What suppressions hid",
        "Alerts of this time by the suppression that hid them; those of the site's file have no owner here.",
        "SELECT suppression, alerts, severity, last, s.owner, s.reviewed_by AS reviewer, s.reason, s.expires FROM ("
        "SELECT suppression, count(*) AS alerts, severity_word(max(severity_id)) AS severity, max(detected) AS last "
        "FROM alert WHERE suppression IS NOT NULL AND $__timeFilter(detected) GROUP BY 1) AS hidden LEFT JOIN "
        "suppression s ON s.id = hidden.suppression ORDER BY alerts DESC, suppression LIMIT 100",
        {
            "severity": severity_cell(),
            "last": {"custom.width": 170},
            "expires": {"custom.width": 170},
            "reason": {"custom.inspect": True},
        },
        nothing="no suppression hid anything in this time",
    )
    return board(
        UID,
        "Gridwatch detectors",
        "Volume, false positives and suppressed alerts of each detector, and what techniques they point to.",
        (domain(), severity(), detector()),
        (
            (4, [(6, alerts), (6, hidden), (6, firing), (6, wrong)]),
            (9, [(18, volume), (6, verdicts)]),
            (14, [(WIDTH, each)]),
            (9, [(12, techniques), (12, suppressions)]),
            (9, [(WIDTH, detection.written())]),
        ),
        since="now-7d",
    )
