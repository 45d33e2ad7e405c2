"""What is sent of an incident, and what a receiver says to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from jobs.export import cef
from jobs.export.formats import write

#: Content type of each format.
KINDS: Final = {
    "ocsf": "application/json",
    "stix": "application/stix+json;version=2.1",
    "cef": "text/plain; charset=utf-8",
}
#: The latest alerts of an incident that a message tells; `count` tells how many there are.
ALERTS: Final = 50


@dataclass(frozen=True)
class Message:
    """One state of an incident.

    Args:
        incident_id: the incident.
        version: its version.
        alerts: how many it had.
        uid: the same each time that this state is sent: a receiver tells repeats by it.
        body: in a format.
    """

    incident_id: str
    version: int
    alerts: int
    uid: str
    body: bytes


def message(
    form: str, incident: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], host: str | None = None
) -> Message:
    """A state of an incident in a format.

    Args:
        form: one of `jobs.export.formats.FORMATS`.
        incident: its row.
        alerts: rows of its latest alerts, the latest first.
        host: who sends it, where it goes by syslog.
    """
    text = write(form, incident, alerts) if host is None else cef.syslog(incident, host)
    version, number = incident["version"], incident["alerts"]
    uid = f"{incident['incident_id']}-{version}-{number}"
    return Message(incident["incident_id"], version, number, uid, text.encode("utf-8", "replace"))


@dataclass
class Answer:
    """What became of a batch.

    Args:
        taken: messages that the receiver has acknowledged.
        refused: messages that it will not take as they are, with what it said.
        failure: why it took no more; the others are to be sent again.
        wait_s: for how long it wants to be left alone.
    """

    taken: list[Message] = field(default_factory=list)
    refused: list[tuple[Message, str]] = field(default_factory=list)
    failure: str | None = None
    wait_s: float | None = None


class Receiver(Protocol):
    """Where incidents go."""

    @property
    def name(self) -> str:
        """Under which the position is kept, unless the operator gives one: without secrets."""

    @property
    def batch(self) -> int:
        """Messages that are sent before what was acknowledged is written down, at most."""

    def send(self, messages: Sequence[Message]) -> Answer:
        """Send messages in their order; a failure is part of the answer."""

    def close(self) -> None:
        """Let go of connections."""
