"""What was injected against what was alerted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

#: An alert belongs to an attack from this long before its start to this long after its end: clocks, windows, deadlines.
BEFORE, AFTER = timedelta(seconds=2), timedelta(seconds=30)


@dataclass(frozen=True)
class Injected:
    """One attack that the lab did.

    Attributes:
        attack, threat, detector: its name, the threat it stands for, and the detector that must find it.
        start, end: when.
        names: everything that took part.
    """

    attack: str
    threat: str
    detector: str
    start: datetime
    end: datetime
    names: frozenset[str]

    def explains(self, alert: Mapping[str, Any]) -> bool:
        """True where the alert is about this attack: its time, and somebody or something that took part."""
        if not self.start - BEFORE <= alert["time"] <= self.end + AFTER:
            return False
        concerned = {alert["entity"], alert["source"], alert["destination"], alert["site"]}
        for record in alert["evidence"]:
            concerned |= {str(value) for value in json.loads(record).values() if isinstance(value, str | int)}
        return not self.names or bool(concerned & self.names)


def read(path: Path) -> list[Injected]:
    """The attacks of a truth file, by start."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        t = json.loads(line)
        names = frozenset(str(name) for kind in t["entities"].values() for name in kind)
        start, end = datetime.fromisoformat(t["start"]), datetime.fromisoformat(t["end"])
        found.append(Injected(t["attack"], t["threat"], t["detector"], start, end, names))
    return sorted(found, key=lambda i: i.start)


def found_by(attack: Injected, alerts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first alert of the attack's own detector that is about it."""
    own = [a for a in alerts if a["detector"] == attack.detector and attack.explains(a)]
    return min(own, key=lambda a: a["time"], default=None)


def unexplained(attacks: Sequence[Injected], alerts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Alerts that no attack explains, whatever detector raised them."""
    return [a for a in alerts if not any(t.explains(a) for t in attacks)]
