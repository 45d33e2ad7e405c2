"""An incident as a line of the Common Event Format (ArcSight CEF, revision 26), and as a syslog message (RFC 5424) around it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

#: OCSF severity_id -> CEF's 0 to 10.
_SEVERITY: Final = {1: 1, 2: 3, 3: 5, 4: 8, 5: 10}
#: OCSF severity_id -> severity of syslog.
_LEVEL: Final = {1: 6, 2: 5, 3: 4, 4: 3, 5: 2}
#: Facility local0.
_FACILITY: Final = 16
#: Characters of a value at most; CEF allows 1023 for most.
_MOST: Final = 1000


def line(incident: Mapping[str, Any]) -> str:
    """The CEF line of an incident as it stands."""
    head = (
        "CEF:0",
        "Gridwatch",
        "Gridwatch",
        version("gridwatch"),
        incident["detector"],
        incident["title"],
        str(_SEVERITY.get(incident["severity_id"], 0)),
    )
    values = {
        "externalId": incident["incident_id"],
        "cnt": incident["alerts"],
        "start": _ms(incident["first_time"]),
        "end": _ms(incident["last_time"]),
        "rt": _ms(incident["updated"]),
        "cat": incident["domain"],
        "dhost": incident["entity"],
        "dvchost": incident["site"],
        "outcome": incident["status"],
        "suser": incident["assignee"],
        "cs1": incident["threat"],
        "cs2": incident["technique"],
        "cs3": incident["verdict"],
        "cs4": incident["entity_kind"],
        "cn1": incident["version"],
    }
    labels = {
        "cs1": "threat",
        "cs2": "attackTechnique",
        "cs3": "verdict",
        "cs4": "entityKind",
        "cn1": "incidentVersion",
    }
    pairs: list[str] = []
    for key, value in values.items():
        if value is None:
            continue
        pairs.append(f"{key}={_value(str(value))}")
        if key in labels:
            pairs.append(f"{key}Label={labels[key]}")
    return "|".join([head[0], *map(_header, head[1:])]) + "|" + " ".join(pairs)


def syslog(incident: Mapping[str, Any], host: str) -> str:
    """The line as a syslog message.

    Args:
        incident: its row.
        host: who sends it.
    """
    level = _FACILITY * 8 + _LEVEL.get(incident["severity_id"], 5)
    moment: datetime = incident["updated"]
    return f"<{level}>1 {moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z {host or '-'} gridwatch - incident - {line(incident)}"


def _header(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("=", "\\=")


def _one_line(text: str) -> str:
    # Names of assets come from the wire: a line break in one must not begin another message.
    return "".join(c if c.isprintable() else " " for c in text)[:_MOST]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
