"""An incident as an Incident Finding of the Open Cybersecurity Schema Framework (class 2005, version 1.5.0), its alerts as its findings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from detectors import profiles
from jobs.triage.lifecycle import Verdict

OCSF_VERSION: Final = "1.5.0"
CLASS: Final = 2005

_STATUS: Final = {"open": (1, "New"), "acknowledged": (2, "In Progress"), "closed": (5, "Closed")}
_CREATE, _UPDATE, _CLOSE = 1, 2, 3


def incident_finding(incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The event of an incident as it stands.

    Args:
        incident: its row.
        alerts: rows of alerts, the latest first: each is a finding.
    """
    closed = incident["status"] == "closed"
    activity = _CLOSE if closed else _UPDATE if incident["version"] else _CREATE
    status_id, status = _STATUS[incident["status"]]
    found: dict[str, Any] = {
        "class_uid": CLASS,
        "category_uid": 2,
        "activity_id": activity,
        "type_uid": CLASS * 100 + activity,
        "time": _ms(incident["updated"]),
        "severity_id": incident["severity_id"],
        "status_id": status_id,
        "status": status,
        "desc": incident["title"],
        "count": incident["alerts"],
        "start_time": _ms(incident["first_time"]),
        "end_time": _ms(incident["last_time"]),
        "assignee": {"name": incident["assignee"] or "unassigned"},
        "attacks": [_attack(incident["threat"], incident["technique"])],
        "finding_info_list": [_finding(alert) for alert in alerts] or [_of_incident(incident)],
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["incident"],
            "product": {"name": "Gridwatch", "vendor_name": "Gridwatch", "version": version("gridwatch")},
            # One event for each state of an incident: who gets it twice can tell.
            "uid": f"{incident['incident_id']}-{incident['version']}-{incident['alerts']}",
            "correlation_uid": incident["incident_id"],
        },
        "unmapped": {
            name: incident[name] for name in ("domain", "site", "entity_kind", "entity", "detector", "threat", "kind")
        },
    }
    if closed:
        verdict = Verdict[incident["verdict"].upper()]
        found |= {"verdict_id": verdict.value, "verdict": verdict.word.replace("_", " ").title()}
    return found


def _finding(alert: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uid": alert["alert_id"],
        "title": alert["title"],
        "desc": f"observed: {alert['observed']}; expected: {alert['expected']}",
        "types": [alert["detector"]],
        "created_time": _ms(alert["detected"]),
        "first_seen_time": _ms(alert["first_time"]),
        "last_seen_time": _ms(alert["last_time"]),
        "attacks": [_attack(alert["threat"], alert["technique"])],
    }


def _of_incident(incident: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uid": incident["incident_id"],
        "title": incident["title"],
        "types": [incident["detector"]],
        "first_seen_time": _ms(incident["first_time"]),
        "last_seen_time": _ms(incident["last_time"]),
    }


def _attack(threat: str, technique: str) -> dict[str, Any]:
    profile = profiles.BY_ID.get(threat)
    known = profile.technique if profile is not None and profile.technique.id == technique else None
    found: dict[str, Any] = {"version": "18.1", "technique": {"uid": technique}}
    if known is not None:
        found["technique"]["name"] = known.name
        found["tactics"] = [{"name": name} for name in known.tactics]
    return found


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
