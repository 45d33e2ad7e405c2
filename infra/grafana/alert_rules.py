"""Alert rules: what Grafana watches in PostgreSQL and Prometheus, and what it tells whom.

A rule is a query (A), which gives one row or series for each thing to tell of, a reduction (B), which leaves the rows as they are, and a
threshold (C). Grafana 9 and later take a table of texts and exactly one number as numbers with labels: each row is an alert instance
of its own, and its texts are its labels. An instance whose row is gone is resolved.

Texts are templates of Grafana without `$`, which provisioning would take for variables of the environment; of those there is only
`CONSOLE`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from infra.grafana.board import INCIDENT_UID
from infra.grafana.postgres_query import SOURCE, PostgresQuery
from infra.grafana.prometheus_query import METRICS, at_once

#: Where people reach the console: provisioning takes it from Grafana's environment.
CONSOLE: Final = "${CONSOLE_URL}"
#: Folder of the rules. Not that of the dashboards: alerting is provisioned first, and a folder that it makes has a uid of Grafana's.
FOLDER: Final = "Gridwatch rules"
FOLDER_UID: Final = "gridwatch-rules"
#: Label by which notification policies know our alerts, among those of others.
MARK: Final = {"source": "gridwatch"}

#: Dashboard of one incident, and its panel in which notifications open it.
INCIDENT_DASHBOARD: Final = INCIDENT_UID
INCIDENT_PANEL: Final = 1

#: Minutes within which somebody is to acknowledge an incident, by severity.
WITHIN_MIN: Final = {5: 15, 4: 60, 3: 480}
#: Instances of one rule at most: the incidents that wait for the shortest time. The others stand in the work list.
MAX_INSTANCES: Final = 100
#: Records that wait for landing, of a topic.
MAX_LAG: Final = 1_000
#: Records of a domain that wait for detection.
MAX_DETECT_LAG: Final = 100_000
#: Records refused within a quarter of an hour, for one reason at one stage.
MAX_DEADLETTERS: Final = 100
#: Minutes since landing last said that it is there; it does so every 15 s.
MAX_LANDING_MIN: Final = 5

_SEVERITY: Final = "lower(severity_word(severity_id)) AS severity"
# Names and titles come from the wire and may be long.
_INCIDENT: Final = (
    f"SELECT incident_id, {_SEVERITY}, left(site, 200) AS site, detector, left(entity, 200) AS entity, "
    "left(title, 300) AS title, "
)
_WAITS: Final = "(extract(epoch FROM now() - since) / 60)::double precision"
_OVERDUE: Final = " OR ".join(
    f"severity_id {'>=' if severity == 5 else '='} {severity} AND since < now() - interval '{minutes} minutes'"
    for severity, minutes in WITHIN_MIN.items()
)


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        uid: by which it is found again.
        title: what the rule is about; a label of its alerts, `alertname`.
        query: SQL that gives texts, which become labels, and one number; or PromQL.
        above: the number from which it fires, exclusive.
        summary: one line about an instance.
        description: what it means and what to do.
        hold: how long the number must be above, as Grafana writes durations.
        failing: what becomes of the rule while its query fails: Error, Alerting where what fired must not be taken for resolved, OK
            where it asks a server that may be absent.
        incident: whether its instances are incidents.
        labels: further labels.
        source: which of the two is asked.
    """

    uid: str
    title: str
    query: str
    above: float
    summary: str
    description: str
    hold: str = "0s"
    failing: str = "Error"
    incident: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    source: DataSourceRef = SOURCE


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, every so many seconds."""

    name: str
    interval_s: int
    rules: tuple[Rule, ...]


def _incident_rule(uid: str, title: str, number: str, where: str, summary: str, description: str) -> Rule:
    return Rule(
        uid,
        title,
        f"{_INCIDENT}{number} FROM incident WHERE {where} ORDER BY since DESC LIMIT {MAX_INSTANCES}",
        0,
        '{{ if index .Labels "incident_id" }}'
        + summary
        + f"{{{{ else }}}}{title}: PostgreSQL does not answer, so nobody knows{{{{ end }}}}",
        description,
        failing="Alerting",
        incident=True,
    )


_ABOUT: Final = "{{ .Labels.title }} ({{ .Labels.severity }}, {{ .Labels.site }}, {{ .Labels.entity }})"

GROUPS: Final = (
    Group(
        "incidents",
        30,
        (
            _incident_rule(
                "gridwatch-critical",
                "New critical incident",
                "alerts::double precision AS alerts",
                "status = 'open' AND severity_id >= 5",
                _ABOUT,
                'Found by {{ index .Labels "detector" }}. Nobody has acknowledged it yet: open it in the console, look at its '
                "evidence, acknowledge it.",
            ),
            _incident_rule(
                "gridwatch-overdue",
                "Incident not acknowledged in time",
                f"{_WAITS} AS minutes",
                f"status = 'open' AND ({_OVERDUE})",
                f'{_ABOUT} waits for {{{{ printf "%.0f" .Values.B.Value }}}} min',
                f"Critical incidents are to be acknowledged within {WITHIN_MIN[5]} min, high ones within {WITHIN_MIN[4]}, medium "
                f"ones within {WITHIN_MIN[3]}.",
            ),
            _incident_rule(
                "gridwatch-storm",
                "Alert storm",
                "alerts::double precision AS alerts",
                "kind = 'storm' AND status <> 'closed'",
                "{{ .Labels.title }}: {{ .Values.B }} alerts so far",
                "One detector raises alerts by the dozen at one site: an attack on many devices at once, or a change of the site that "
                "the site file does not know. Further incidents of it are collapsed into this one.",
            ),
        ),
    ),
    Group(
        "pipeline",
        60,
        (
            Rule(
                "gridwatch-landing",
                "Landing is silent",
                "SELECT cluster, (extract(epoch FROM now() - max(seen)) / 60)::double precision AS minutes FROM landed_position "
                "WHERE seen IS NOT NULL GROUP BY cluster HAVING max(seen) > now() - interval '30 days'",
                MAX_LANDING_MIN,
                'No alert has been landed for {{ printf "%.0f" .Values.B.Value }} min, nor was there a sign of life',
                "gridwatch land does not run, or reaches Kafka or PostgreSQL no more: what detectors find is not seen here.",
                hold="1m",
                labels={"severity": "critical"},
            ),
            Rule(
                "gridwatch-lag",
                "Lag over limit",
                "SELECT topic, sum(greatest(end_offset - next_offset, 0))::double precision AS records FROM landed_position "
                "WHERE seen > now() - interval '1 day' GROUP BY topic",
                MAX_LAG,
                "{{ .Values.B }} records of {{ .Labels.topic }} wait to be landed",
                "Landing falls behind: is PostgreSQL slow, or is there a storm?",
                hold="2m",
                labels={"severity": "high"},
            ),
            Rule(
                "gridwatch-detect-lag",
                "Detection's lag over limit",
                "sum by (domain) (gridwatch_detect_lag_records)",
                MAX_DETECT_LAG,
                "{{ .Values.B }} records of {{ .Labels.domain }} wait for detection",
                "Detection falls behind: what happens now is found late. Give it more cores or a process a domain; see Pipeline health.",
                hold="5m",
                failing="OK",
                labels={"severity": "critical"},
                source=METRICS,
            ),
            Rule(
                "gridwatch-deadletters",
                "Dead letters over limit",
                "SELECT stage, reason, sum(records)::double precision AS records FROM deadletter_rollup "
                "WHERE slot > now() - interval '15 minutes' GROUP BY stage, reason",
                MAX_DEADLETTERS,
                "{{ .Labels.stage }} refused {{ .Values.B }} records in a quarter of an hour: {{ .Labels.reason }}",
                "Records that cannot be read are not looked at by any detector: a broken source, or somebody who wants to blind us.",
                labels={"severity": "medium"},
            ),
        ),
    ),
    Group(
        "detectors",
        300,
        (
            Rule(
                "gridwatch-silent",
                "Detector silent",
                "SELECT detector, (extract(epoch FROM now() - max(slot)) / 3600)::double precision AS hours FROM alert_rollup "
                "WHERE slot >= now() - interval '8 days' GROUP BY detector HAVING count(DISTINCT date_bin('1 day', slot, now())) "
                "FILTER (WHERE slot < now() - interval '1 day') = 7",
                24,
                '{{ .Labels.detector }} fired on each of seven days and not for {{ printf "%.0f" .Values.B.Value }} h since',
                "Its source has fallen silent, detection of its domain does not run, a parameter was changed, or what it found has "
                "ended: look which.",
                labels={"severity": "medium"},
            ),
        ),
    ),
)


def annotations(rule: Rule, console: str) -> dict[str, str]:
    """What notifications say of an instance, and where they lead.

    Args:
        rule: the rule.
        console: address of the console.
    """
    found = {"summary": rule.summary, "description": rule.description}
    if not rule.incident:
        return found
    identity = '{{ index .Labels "incident_id" }}'
    return {
        **found,
        "console": f"{console}/incidents/{identity}",
        # Grafana's own address, whether or not a slash ends it.
        "dashboard": f'{{{{ externalURL | reReplaceAll "/+\\\\z" "" }}}}/d/{INCIDENT_DASHBOARD}?var-incident={identity}',
        "__dashboardUid__": INCIDENT_DASHBOARD,
        "__panelId__": str(INCIDENT_PANEL),
    }


def body(rule: Rule, console: str) -> dict[str, Any]:
    """A rule as both the files of provisioning and the interface for programs have it, but for its place."""
    links = {"dashboardUid": INCIDENT_DASHBOARD, "panelId": INCIDENT_PANEL} if rule.incident else {}
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [
            _part("A", rule.source.uid or "", _model(rule)),
            _part("B", "__expr__", _expression("B", type="reduce", expression="A", reducer="last")),
            _part(
                "C",
                "__expr__",
                _expression(
                    "C",
                    type="threshold",
                    expression="B",
                    conditions=[{"type": "query", "evaluator": {"type": "gt", "params": [rule.above]}}],
                ),
            ),
        ],
        **links,
        "noDataState": "OK",
        "execErrState": rule.failing,
        "for": rule.hold,
        "annotations": annotations(rule, console),
        "labels": {**MARK, **rule.labels},
        "isPaused": False,
    }


def file() -> dict[str, Any]:
    """The content of provisioning/alerting/rules.yaml."""
    groups = [
        {
            "orgId": 1,
            "name": group.name,
            "folder": FOLDER,
            "interval": f"{group.interval_s}s",
            "rules": [body(rule, CONSOLE) for rule in group.rules],
        }
        for group in GROUPS
    ]
    return {"apiVersion": 1, "groups": groups}


def _part(ref: str, source: str, model: dict[str, Any]) -> dict[str, Any]:
    return {"refId": ref, "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": source, "model": model}


def _expression(ref: str, **own: Any) -> dict[str, Any]:
    return {"refId": ref, "datasource": {"type": "__expr__", "uid": "__expr__"}, **own}


def _model(rule: Rule) -> dict[str, Any]:
    query = PostgresQuery(rule.query) if rule.source is SOURCE else at_once(rule.query).build()
    model: dict[str, Any] = json.loads(JSONEncoder().encode(query))
    return model
