"""The formats in which an incident leaves: by name."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.export import cef, ocsf, stix
from schemas.errors import UsageFault, meant

FORMATS = ("ocsf", "stix", "cef")


def write(name: str, incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> str:
    """An incident in a format.

    Args:
        name: ocsf, stix or cef.
        incident: its row.
        alerts: rows of its alerts.

    Raises:
        UsageFault: there is no such format.
    """
    if name == "ocsf":
        return json.dumps(ocsf.incident_finding(incident, alerts), indent=1)
    if name == "stix":
        return stix.bundle(incident, alerts)
    if name == "cef":
        return cef.line(incident)
    raise UsageFault(f"no format {name[:40]!r}", "format", meant(name, FORMATS, f"one of {', '.join(FORMATS)}"))
