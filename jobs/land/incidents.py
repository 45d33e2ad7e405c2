"""Which incident an alert belongs to: that of its dedup key, that of a storm, or a new one. Pure: PostgreSQL is `jobs.land.store`'s.

Everything hangs on the event times of the alerts and on the order in which they are landed, so that a re-run gives the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

#: An alert of the same key after so long a silence is a new incident.
QUIET: Final = timedelta(hours=24)
#: When a detector has opened so many incidents at one site within the window, as severe or more, further ones are collapsed into a
#: storm, which ends when the window was quiet.
STORM_MIN: Final = 50
STORM_WINDOW: Final = timedelta(minutes=10)

#: Columns that an incident takes from the alert that opens it.
TAKEN: Final = (
    "dedup",
    "domain",
    "site",
    "entity_kind",
    "entity",
    "detector",
    "threat",
    "technique",
    "severity_id",
    "title",
)


@dataclass(frozen=True)
class Incident:
    """One incident; the fields are the columns of the table.

    Args:
        taken: values of `TAKEN`.
        alerts: how many it has.
    """

    incident_id: str
    kind: str
    taken: tuple[Any, ...]
    first_time: datetime
    last_time: datetime
    alerts: int

    @property
    def dedup(self) -> str:
        """Its dedup key."""
        return str(self.taken[0])

    @property
    def place(self) -> tuple[str, str, str]:
        """Domain, site and detector."""
        return self.taken[1], self.taken[2], self.taken[5]

    def with_alert(self, alert: Mapping[str, Any]) -> "Incident":
        """With one more alert: of a higher severity its title counts."""
        taken = list(self.taken)
        if alert["severity_id"] > taken[8]:
            taken[8] = alert["severity_id"]
            if self.kind == "alerts":
                taken[9] = alert["title"]
        first, last = min(self.first_time, alert["time"]), max(self.last_time, alert["time"])
        return replace(self, taken=tuple(taken), first_time=first, last_time=last, alerts=self.alerts + 1)


@dataclass
class Book:
    """Incidents that new alerts may belong to, and those that they change.

    Args:
        known: incidents of the dedup keys of the alerts, and those that their detectors opened at their sites lately.
    """

    known: Iterable[Incident]
    changed: dict[str, Incident] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_key: dict[str, list[Incident]] = {}
        self._by_place: dict[tuple[str, str, str], dict[str, Incident]] = {}
        for incident in self.known:
            self._keep(incident)

    def _keep(self, incident: Incident) -> None:
        own = self._by_key.setdefault(incident.dedup, [])
        own[:] = [other for other in own if other.incident_id != incident.incident_id] + [incident]
        self._by_place.setdefault(incident.place, {})[incident.incident_id] = incident

    def file(self, alert: Mapping[str, Any]) -> Incident:
        """The incident of an alert, with the alert counted in."""
        incident = self._of(alert).with_alert(alert)
        self._keep(incident)
        self.changed[incident.incident_id] = incident
        return incident

    def _of(self, alert: Mapping[str, Any]) -> Incident:
        time: datetime = alert["time"]
        for incident in reversed(self._by_key.get(alert["dedup"], [])):
            if incident.kind == "alerts" and incident.first_time - QUIET <= time <= incident.last_time + QUIET:
                return incident
        here = self._by_place.get((alert["domain"], alert["site"], alert["detector"]), {}).values()
        for incident in here:
            near = incident.first_time - STORM_WINDOW <= time <= incident.last_time + STORM_WINDOW
            # What is more severe than a storm does not drown in it.
            if incident.kind == "storm" and near and alert["severity_id"] <= incident.taken[8]:
                return incident
        opened = sum(
            i.kind == "alerts" and abs(i.first_time - time) < STORM_WINDOW and i.taken[8] >= alert["severity_id"]
            for i in here
        )
        taken = {name: alert[name] for name in TAKEN}
        kind = "storm" if opened >= STORM_MIN else "alerts"
        if kind == "storm":
            minutes = STORM_WINDOW.total_seconds() / 60
            taken["dedup"] = f"storm|{alert['domain']}|{alert['site']}|{alert['detector']}"
            taken["entity_kind"], taken["entity"] = "site", alert["site"]
            taken["title"] = (
                f"alert storm: {alert['detector']} at {alert['site']}, more than {STORM_MIN} incidents in {minutes:g} min"
            )
        return Incident(alert["alert_id"], kind, tuple(taken.values()), time, time, 0)
