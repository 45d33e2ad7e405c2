"""The dashboard Incident: all that is known of one, for whoever works on it."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from infra.grafana.board import INCIDENT_UID, WHOLE_TIME, WIDTH, board, to_entity
from infra.grafana.incidents import columns
from infra.grafana.panels import SEVERITIES, bars_over_time, link, note, rows, severity_cell
from infra.grafana.variables import console, text

_ID: Final = "${incident:sqlstring}"
_NO_INCIDENT: Final = "choose an incident: follow a row of the work list, or put its id into the field above"
_OF_IT: Final = f"incident_id = {_ID}"
#: The alert that is shown in full: the latest.
_LATEST: Final = f'SELECT * FROM alert WHERE {_OF_IT} ORDER BY "time" DESC, alert_id LIMIT 1'

_LINKS: Final = """
**[Work on it: acknowledge, assign, comment, close, suppress](${console}/incidents/${incident:percentencode})**

Give it on:
[OCSF](${console}/api/incidents/${incident:percentencode}/export?format=ocsf) ·
[STIX 2.1](${console}/api/incidents/${incident:percentencode}/export?format=stix) ·
[CEF](${console}/api/incidents/${incident:percentencode}/export?format=cef)

In a shell, and in a notebook:

```
gridwatch incident show ${incident}
GRIDWATCH_INCIDENT=${incident} jupyter execute notebooks/incident_triage.ipynb --output=triage.ipynb
```
"""


def incident() -> Dashboard:
    """The dashboard."""
    itself = rows(
        "The incident",
        "Where it stands. The entity leads to everything about it, the technique to MITRE ATT&CK.",
        "SELECT severity, status, verdict, assignee, title, entity_kind AS kind, entity, site, domain, alerts, detector, "
        "threat, technique, opened, updated, age_s AS age, waiting_s AS waiting FROM incident_overview "
        f"WHERE {_OF_IT}",
        {
            **{name: of for name, of in columns("severity", "status", "age", "waiting", "entity").items()
               if name not in ("incident", "from", "to")},
            "title": {"custom.minWidth": 300},
            "technique": link("MITRE ATT&CK", "https://attack.mitre.org/techniques/${__value.raw}/", elsewhere=True),
        },
        nothing=_NO_INCIDENT,
        filterable=False,
    )  # fmt: skip
    timeline = bars_over_time(
        "Time line",
        "Its alerts by when they were detected, in the time shown.",
        "SELECT $__timeGroupAlias(detected, '$__interval'), severity AS metric, count(*) AS value FROM alert_overview "
        f"WHERE {_OF_IT} AND $__timeFilter(detected) GROUP BY 1, 2 ORDER BY 1, 2",
        SEVERITIES,
        "no alert of it in the time shown",
        "1s",
    )
    observed = rows(
        "Observed against expected",
        "Its alerts, the latest first, at most 200, whatever time is shown.",
        'SELECT severity, title, observed, expected, source, destination, detected, "time" AS "event time", alert_id '
        f'FROM alert_overview WHERE {_OF_IT} ORDER BY "time" DESC, alert_id LIMIT 200',
        {
            "severity": severity_cell(),
            "title": {"custom.minWidth": 260},
            "observed": {"custom.minWidth": 260, "custom.inspect": True},
            "expected": {"custom.minWidth": 260, "custom.inspect": True},
            "source": link("All about it", to_entity()),
            "destination": link("All about it", to_entity()),
            "detected": {"custom.width": 170},
            "event time": {"custom.width": 170},
        },
        nothing=_NO_INCIDENT,
    )
    # A record that is no JSON is shown as it is; NUL, which PostgreSQL has no text for, as its replacement.
    records = rows(
        "Evidence of the latest alert",
        "The records themselves, field by field; the last one decided.",
        "SELECT record.number AS record, coalesce(field.key, 'record') AS field, coalesce(field.value, record.content) "
        f"AS value FROM ({_LATEST}) latest, unnest(latest.evidence) WITH ORDINALITY AS record (content, number) "
        "LEFT JOIN LATERAL json_each_text(CASE WHEN record.content IS JSON OBJECT "
        "THEN replace(record.content, '\\u0000', '\\ufffd')::json END) AS field ON true "
        "WHERE field.value IS DISTINCT FROM '' AND (field.key IS NULL OR field.value IS NOT NULL) "
        "ORDER BY record.number DESC LIMIT 500",
        {"record": {"custom.width": 70}, "field": {"custom.width": 180}, "value": {"custom.inspect": True}},
        nothing="its latest alert has no evidence",
    )
    to_do = rows(
        "What to do",
        "Steps of the runbook of its latest alert.",
        f'SELECT step.number AS step, step.says AS "what to do" FROM ({_LATEST}) latest, '
        "unnest(latest.runbook) WITH ORDINALITY AS step (says, number) ORDER BY 1",
        {"step": {"custom.width": 60}, "what to do": {"custom.cellOptions": {"type": "auto", "wrapText": True}}},
        nothing="its detector has no runbook",
        filterable=False,
    )
    done = rows(
        "What was done",
        "Steps that people took, and gridwatch where further alerts opened it again; the latest first.",
        "SELECT at, actor, action, status, assignee, verdict, comment FROM incident_event "
        f"WHERE {_OF_IT} ORDER BY version DESC LIMIT 200",
        {"at": {"custom.width": 170}, "comment": {"custom.minWidth": 200, "custom.inspect": True}},
        nothing="nobody has done anything about it yet",
        filterable=False,
    )
    beside = rows(
        "Beside it",
        "The latest incidents of the same entity, and those of the same site from a day before it to a day after it.",
        f"WITH me AS (SELECT * FROM incident WHERE {_OF_IT}), own AS (SELECT 'entity' AS same, o.* FROM me, LATERAL ("
        "SELECT * FROM incident_overview i WHERE i.entity = me.entity AND i.entity_kind = me.entity_kind "
        "AND i.incident_id <> me.incident_id ORDER BY i.updated DESC LIMIT 20) o), near AS (SELECT 'site' AS same, o.* "
        "FROM me, LATERAL (SELECT * FROM incident_overview i WHERE i.site = me.site AND i.domain = me.domain "
        "AND i.incident_id <> me.incident_id AND i.entity <> me.entity AND i.opened "
        "BETWEEN me.opened - interval '1 day' AND me.updated + interval '1 day' ORDER BY i.opened DESC LIMIT 20) o) "
        "SELECT same, severity, status, title, entity_kind AS kind, entity, alerts, detector, opened, updated, "
        f"{WHOLE_TIME} FROM (SELECT * FROM own UNION ALL SELECT * FROM near) AS both_ ORDER BY same, updated DESC",
        {"same": {"custom.width": 70}}
        | columns("severity", "status", "title", "entity", "alerts", "opened", "updated"),
        nothing="no other incident of this entity, and none at this site within a day",
    )
    places = rows(
        "Where the evidence stands",
        "Offsets in Kafka, and frames of captures with the command that shows them; the latest 50 alerts that say so.",
        "SELECT detected, title, topic, \"partition\", array_to_string(offsets, ', ') AS offsets, capture, "
        "array_to_string(frames, ', ') AS frames, 'tshark -r ' || quote_literal(capture) || ' -Y ''frame.number in {' "
        "|| array_to_string(frames, ',') || '}''' AS command, alert_id FROM ("
        f'SELECT * FROM alert WHERE {_OF_IT} ORDER BY "time" DESC, alert_id LIMIT 50) latest '
        "WHERE topic IS NOT NULL OR capture IS NOT NULL",
        {"detected": {"custom.width": 170}, "title": {"custom.minWidth": 260}, "command": {"custom.inspect": True}},
        nothing="its alerts do not say where their evidence stands",
    )
    return board(
        INCIDENT_UID,
        "Gridwatch incident",
        "One incident: its alerts, what was observed, the evidence, what was done, and what else happened there.",
        (text("incident", "Incident"), console()),
        (
            (4, [(WIDTH, itself)]),
            (
                9,
                [(9, note("Work on it", "Leads to the console, where people take the steps.", _LINKS)), (15, timeline)],
            ),
            (8, [(WIDTH, observed)]),
            (11, [(12, records), (12, to_do)]),
            (8, [(WIDTH, done)]),
            (9, [(WIDTH, beside)]),
            (7, [(WIDTH, places)]),
        ),
    )
