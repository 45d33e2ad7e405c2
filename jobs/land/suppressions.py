"""Suppressions: alerts that nobody wants to work on, for a reason, for a time, with an owner; they land, and open no incident.

One hides an alert while the alert's own time is before `expires`, so a re-run hides the same; an expired one hides nothing.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from detectors.catalog import DETECTORS
from detectors.facts import Network
from detectors.profiles.threat import Severity
from schemas.errors import ConfigFault, meant

#: The longest that one may last: who wants more looks at it again.
LONGEST: Final = timedelta(days=366)
#: The longest that one may hide alerts before anybody but its owner has looked at it.
ALONE: Final = timedelta(days=1)
#: Wrong entries that are told at once.
TOLD: Final = 5

Text = Annotated[str, Field(min_length=1)]


def waits(reviewed_by: str | None, begins: datetime, expires: datetime) -> bool:
    """Whether a suppression hides nothing until somebody has looked at it."""
    return reviewed_by is None and expires - begins > ALONE


class Scope(BaseModel):
    """What is hidden: all that is given must fit. `source` is an address or a network; `up_to` the highest severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detector: Text | None = None
    threat: Text | None = None
    site: Text | None = None
    entity: Text | None = None
    source: Network | None = None
    up_to: str | None = None

    @model_validator(mode="after")
    def _known(self) -> "Scope":
        if not any((self.detector, self.threat, self.site, self.entity, self.source)):
            raise ValueError(
                "name at least one of detector, threat, site, entity, source: nobody suppresses everything"
            )
        for name, value, known in (
            ("detector", self.detector, {d.id for d in DETECTORS}),
            ("threat", self.threat, {d.threat.id for d in DETECTORS}),
            ("up_to", self.up_to, {s.name.lower() for s in Severity}),
        ):
            # A rule of the site is a detector, too, with a name of its own.
            if value is not None and value not in known and not (name == "detector" and value.startswith("rule_")):
                raise ValueError(f"{name}: {', '.join(filter(None, (f'no {value!r}', meant(value, known))))}")
        return self

    def fits(self, alert: Mapping[str, Any]) -> bool:
        """Whether an alert is meant."""
        for name in ("detector", "threat", "site", "entity"):
            wanted = getattr(self, name)
            if wanted is not None and alert[name] != wanted:
                return False
        if self.up_to is not None and alert["severity_id"] > Severity[self.up_to.upper()].value:
            return False
        return self.source is None or _within(alert["source"], self.source)


class Suppression(BaseModel):
    """What is hidden, why and for how long. One for longer than `ALONE` needs somebody else to look at it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    scope: Scope
    reason: Text
    owner: Text
    reviewed_by: Text | None = None
    begins: AwareDatetime
    expires: AwareDatetime

    @model_validator(mode="after")
    def _reviewed(self) -> "Suppression":
        if self.reviewed_by is not None and self.reviewed_by.strip().lower() == self.owner.strip().lower():
            raise ValueError("reviewed_by is the owner: somebody else has to look at it")
        if not self.begins < self.expires <= self.begins + LONGEST:
            raise ValueError(f"expires must be after begins, at most {LONGEST.days} days")
        return self

    @property
    def waits(self) -> bool:
        """Whether it hides nothing until somebody has looked at it."""
        return waits(self.reviewed_by, self.begins, self.expires)

    def hides(self, alert: Mapping[str, Any]) -> bool:
        """Whether it hides an alert."""
        return not self.waits and self.begins <= alert["time"] < self.expires and self.scope.fits(alert)


class Reviewed(Suppression):
    """An entry of a file: always reviewed."""

    reviewed_by: Text


def load(path: Path | None) -> tuple[Suppression, ...]:
    """Read a file of suppressions: a list of entries. Without a path there are none.

    Raises:
        ConfigFault: unreadable, not YAML, or a wrong entry, by its place and key.
    """
    if path is None:
        return ()
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigFault(f"suppressions cannot be read: {wrong}", str(path), "name a readable YAML file") from wrong
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigFault(f"suppressions are not YAML: {wrong}", f"{path}{place}", "correct the syntax") from wrong
    if entries is not None and not isinstance(entries, list):
        raise ConfigFault("suppressions are a list of entries", str(path), "docs/incidents.md shows one")
    found: list[Suppression] = []
    told: list[str] = []
    for number, entry in enumerate(entries or [], 1):
        try:
            found.append(Reviewed.model_validate(entry))
        except ValidationError as wrong:
            told += [f"entry {number}: {_explain(problem)}" for problem in wrong.errors()]
    names = [one.id for one in found]
    told += [f"two entries are called {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    if told:
        more = f"; {len(told) - TOLD} more" if len(told) > TOLD else ""
        raise ConfigFault("; ".join(told[:TOLD]) + more, str(path), "correct it; docs/incidents.md shows every key")
    return tuple(found)


def hidden_by(alert: Mapping[str, Any], suppressions: Sequence[Suppression]) -> str | None:
    """The id of the first suppression that hides an alert."""
    return next((one.id for one in suppressions if one.hides(alert)), None)


def _explain(problem: Any) -> str:
    key = ".".join(map(str, problem["loc"]))
    said = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {said[0].lower()}{said[1:]}" if key else said


def _within(source: str | None, network: str) -> bool:
    try:
        return source is not None and ipaddress.ip_address(source) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
