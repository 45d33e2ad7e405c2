"""Dashboards, rules and what belongs to them into a Grafana that is there already: looked at first, then written.

What others changed is not overwritten unless told. To know it, the last push is remembered in Grafana itself, in a small dashboard that
people can read: of each thing a hash of what was sent, and a hash of what Grafana said it had afterwards. Grafana completes and
migrates what it is given, differently from version to version, so that comparing with what was sent alone would call that a change.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from infra.grafana.client import explained
from infra.grafana.postgres_query import SOURCE
from infra.grafana.resources import DASHBOARDS, Found, Resource, Wanted, absent_is_none, resources
from schemas.errors import ConfigFault, RunFault

#: Lines of difference shown of one thing at most.
MAX_LINES: Final = 40
#: The dashboard that remembers.
LEDGER: Final = "gridwatch-pushed"
_SAYS: Final = "What `gridwatch grafana push` brought here: by this it knows what others changed since. Do not edit."


class Step(Enum):
    """What is to be done about one thing."""

    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    CHANGED = "changed by others"
    LOCKED = "left alone"


@dataclass(frozen=True)
class Planned:
    """One thing, and what is to be done about it."""

    resource: Resource
    found: Found | None
    step: Step

    def lines(self) -> Iterator[str]:
        """For people: what, and the difference that it makes."""
        sign = {Step.CREATE: "+", Step.UPDATE: "~", Step.SAME: "=", Step.CHANGED: "!", Step.LOCKED: "."}[self.step]
        why = f" ({self.found.locked})" if self.found and self.step is Step.LOCKED else ""
        yield f"{sign} {self.resource.name}: {self.step.value}{why}"
        if self.found is None or self.step not in (Step.UPDATE, Step.CHANGED):
            return
        now, then = _text(_like(self.found.content, self.resource.content)), _text(self.resource.content)
        changes = [line for line in difflib.unified_diff(now, then, lineterm="", n=1) if line[:3] not in ("---", "+++")]
        for line in changes[:MAX_LINES]:
            yield f"    {line[:200]}"
        if len(changes) > MAX_LINES:
            yield f"    ... and {len(changes) - MAX_LINES} further lines"


@dataclass(frozen=True)
class Plan:
    """What a push would do.

    Args:
        steps: in the order in which they must be done.
        ledger: of the last push.
        gone: what an older version brought and this one does not make.
    """

    steps: tuple[Planned, ...]
    ledger: Mapping[str, Any]
    gone: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For people."""
        for planned in self.steps:
            yield from planned.lines()
        for name in self.gone:
            yield f"? {name}: of an older version; remove it by hand where nobody needs it"

    def of(self, *steps: Step) -> list[Planned]:
        """Those about which this is to be done."""
        return [planned for planned in self.steps if planned.step in steps]


def plan(api: Any, url: str, wanted: Wanted) -> Plan:
    """Look at what there is; nothing is changed.

    Args:
        api: the client.
        url: of Grafana, for messages.
        wanted: what is to be there.

    Raises:
        ConfigFault: there is no data source and none is wanted; or as `explained`.
        RunFault: as `explained`.
    """
    with explained(url, "tell its state"):
        health = api.client.GET("/health")
        if not isinstance(health, dict) or "database" not in health:
            raise ValueError("no Grafana")
    with explained(url, "read the last push"):
        ledger = _ledger(api)
    if wanted.source is None:
        with explained(url, "read the data source"):
            if absent_is_none(lambda: api.datasource.get_datasource_by_uid(SOURCE.uid)) is None:
                raise ConfigFault(
                    f"Grafana has no data source {SOURCE.uid}",
                    "grafana.datasource",
                    "set postgresql://grafana:PASSWORD@HOST:5432/DATABASE, as Grafana reaches it",
                )
    steps = []
    for resource in resources(api, wanted):
        with explained(url, f"read {resource.name}"):
            found = resource.read()
        steps.append(Planned(resource, found, _step(resource, found, ledger.get(resource.name))))
    made = {planned.resource.name for planned in steps}
    optional = ("contact point", "message template", "notification policy", "data source")
    gone = tuple(name for name in ledger if name not in made and not name.startswith(optional))
    return Plan(tuple(steps), ledger, gone)


def push(api: Any, url: str, what: Plan, force: bool) -> dict[Step, int]:
    """Do what was planned.

    Args:
        api: the client.
        url: of Grafana, for messages.
        what: the plan.
        force: overwrite what others changed.

    Returns:
        how many things were created, updated and left as they were.

    Raises:
        RunFault: others changed something and `force` is not given (nothing is written then); or as `explained`.
        ConfigFault: as `explained`.
    """
    changed = what.of(Step.CHANGED)
    if changed and not force:
        names = ", ".join(planned.resource.name for planned in changed)
        raise RunFault(
            f"changed by others: {names}",
            url,
            "look at the differences; --force overwrites them, nothing was written so far",
        )
    done = dict.fromkeys((Step.CREATE, Step.UPDATE, Step.SAME), 0)
    ledger = {
        planned.resource.name: what.ledger[planned.resource.name]
        for planned in what.steps
        if planned.resource.name in what.ledger
    }
    try:
        for planned in what.steps:
            resource, found = planned.resource, planned.found
            # A password cannot be compared.
            secret = force and resource.name.startswith("data source") and planned.step is Step.SAME
            if planned.step in (Step.CREATE, Step.UPDATE, Step.CHANGED) or secret:
                with explained(url, f"write {resource.name}"):
                    resource.write(found)
                    found = resource.read()
                done[Step.CREATE if planned.step is Step.CREATE else Step.UPDATE] += 1
            else:
                done[Step.SAME] += 1
                # What people added to it since the last push stays a change of theirs.
                if planned.step is Step.LOCKED or resource.name in ledger:
                    continue
            if found is not None:
                ledger[resource.name] = {"sent": _hash(resource.content), "found": _hash(found.content)}
    finally:
        if ledger != what.ledger:
            with explained(url, "remember the push"):
                _remember(api, ledger)
    return done


def _step(resource: Resource, found: Found | None, last: Mapping[str, str] | None) -> Step:
    if found is None:
        return Step.CREATE
    if _like(found.content, resource.content) == resource.content:
        return Step.SAME
    if found.locked:
        return Step.LOCKED
    if last is None or last["found"] != _hash(found.content):
        return Step.CHANGED
    return Step.SAME if last["sent"] == _hash(resource.content) else Step.UPDATE


def _like(found: Any, wanted: Any) -> Any:
    """Of what there is, what the other has, too: without what Grafana adds by itself."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return {key: _like(value, wanted[key]) for key, value in found.items() if key in wanted}
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [_like(one, other) for one, other in zip(found, wanted, strict=True)]
    return found


def _text(content: Any) -> list[str]:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _ledger(api: Any) -> dict[str, Any]:
    found = absent_is_none(lambda: api.dashboard.get_dashboard(LEDGER))
    if found is None:
        return {}
    try:
        text = found["dashboard"]["panels"][0]["options"]["content"]
        content = json.loads(text.partition("```json")[2].partition("```")[0])
        return {str(name): {"sent": one["sent"], "found": one["found"]} for name, one in content.items()}
    except (LookupError, TypeError, ValueError, AttributeError):
        # Somebody edited it: then nobody knows what else was changed.
        return {}


def _remember(api: Any, ledger: Mapping[str, Any]) -> None:
    text = f"{_SAYS}\n\n```json\n{json.dumps(ledger, indent=1, sort_keys=True)}\n```\n"
    panel = {
        "id": 1,
        "type": "text",
        "title": "Pushed",
        "gridPos": {"h": 24, "w": 24, "x": 0, "y": 0},
        "options": {"mode": "markdown", "content": text},
    }
    board = {
        "id": None,
        "uid": LEDGER,
        "title": "Gridwatch: what was pushed",
        "schemaVersion": 41,
        "tags": [],
        "panels": [panel],
    }
    api.dashboard.update_dashboard(
        {"dashboard": board, "folderUid": DASHBOARDS[0], "message": "gridwatch grafana push", "overwrite": True}
    )
