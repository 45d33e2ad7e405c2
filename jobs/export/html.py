"""What pages of the console and of reports share: an environment of templates that escapes everything, its words, and its parts."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from detectors.profiles.threat import Severity
from jobs.export.chart import timeline

#: Fields of a record of the evidence that a page shows; the rest is in the lake.
_MOST_FIELDS: Final = 60


def environment(package: str) -> Environment:
    """Templates of a package; `parts.html` is there for all.

    Args:
        package: that has a folder `templates`.
    """
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("jobs.export")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"severity": severity, "when": when, "records": records, "frames": frames_command}
    made.globals |= {"timeline": timeline, "SEVERITIES": [s.value for s in reversed(Severity)]}
    return made


def severity(number: int) -> str:
    """In words."""
    return Severity(number).name.lower() if number in {s.value for s in Severity} else "unknown"


def when(moment: datetime | None) -> str:
    """In UTC, to the second."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def records(evidence: Sequence[str]) -> list[dict[str, Any]]:
    """Records of an alert's evidence, without what they lack."""
    found = []
    for text in evidence:
        try:
            record = json.loads(text)
        except ValueError:
            record = {"record": text}
        pairs = record.items() if isinstance(record, dict) else [("record", record)]
        found.append(dict([(k, v) for k, v in pairs if v is not None and v != ""][:_MOST_FIELDS]))
    return found


def frames_command(alert: Mapping[str, Any]) -> str:
    """What shows the frames of an alert in their capture."""
    numbers = ",".join(map(str, alert["frames"] or ()))
    return f"tshark -r {shlex.quote(alert['capture'])} -Y 'frame.number in {{{numbers}}}'"
