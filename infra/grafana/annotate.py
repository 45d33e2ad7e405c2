"""Annotations in Grafana, one an incident of severity high or above, for dashboards of the operator's own.

Exactly once each: PostgreSQL remembers which incidents have theirs, and before one is written Grafana is asked for the tag of the
incident, for a process may die between Grafana's answer and PostgreSQL's. What either server does not take waits in PostgreSQL.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import psycopg
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaBadInputError, GrafanaException
from psycopg.rows import dict_row

#: Annotations a second at most.
MAX_RATE: Final = 20.0
#: Longest text (characters) of an annotation, and longest tag that Grafana keeps.
MAX_TEXT: Final = 500
MAX_TAG: Final = 100
#: The least severity that becomes an annotation, as `incident_unannotated` has it.
MIN_SEVERITY: Final = 4
#: Seconds between two looks for incidents when nobody says that there are new ones.
LOOK_S: Final = 10.0
#: First and longest wait (s) after a server failed.
BACKOFF_S: Final = (1.0, 60.0)
#: Incidents that are looked up at once.
BATCH: Final = 100
#: Advisory lock under which annotations are written: a landing process that stands by must not write the same ones.
_LOCK: Final = 0x616E6E6F

_SEVERITIES: Final = {4: "high", 5: "critical"}
# The literal is what the partial index needs.
_WAITING: Final = (
    "SELECT incident_id, severity_id, domain, detector, technique, site, entity, title, opened FROM incident"
    " WHERE annotated IS NULL AND severity_id >= 4 ORDER BY opened LIMIT %s"
)


def tag_of(incident_id: str) -> str:
    """The tag by which an incident's annotation is found."""
    return f"incident:{incident_id}"[:MAX_TAG]


def annotation(incident: Mapping[str, Any], console: str) -> dict[str, Any]:
    """What an incident looks like as an annotation; tags let a dashboard choose among them.

    Args:
        incident: its row.
        console: address of the console.
    """
    severity = _SEVERITIES.get(incident["severity_id"], "critical")
    tags = ["gridwatch", severity, incident["domain"], incident["detector"], incident["technique"]]
    link = f"\n{console}/incidents/{quote(incident['incident_id'], safe='')}"
    says = f"{incident['title']} ({incident['site']}, {incident['entity']})"[: max(0, MAX_TEXT - len(link))]
    return {
        # When it was opened: event times are chosen by senders.
        "time_from": int(incident["opened"].timestamp() * 1000),
        "tags": [tag[:MAX_TAG] for tag in tags if tag] + [tag_of(incident["incident_id"])],
        "text": says + link,
    }


class Annotator:
    """Writes annotations from a thread of its own, on a connection of its own; being told of alerts never waits.

    Args:
        api: the client.
        dsn: PostgreSQL, as a role that may change incidents.
        console: address of the console.
        say: told once when a server begins to refuse.
        rate: annotations a second at most.
        backoff_s: first and longest wait after a server failed, seconds.
    """

    def __init__(
        self,
        api: GrafanaApi,
        dsn: str,
        console: str,
        say: Callable[[str], None],
        rate: float = MAX_RATE,
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self._api: Any = api
        self._dsn = dsn
        self._console = console
        self._say = say
        self._pause = 1.0 / rate
        self._backoff_s = backoff_s
        self._news = threading.Event()
        self._closing = threading.Event()
        self._enough = threading.Event()
        self._refused = False
        self.sent = 0
        self.known = 0
        self.impossible = 0
        self._thread = threading.Thread(target=self._run, name="grafana annotations", daemon=True)
        self._thread.start()

    def __call__(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Something has landed: look for incidents now."""
        self._news.set()

    def close(self, patience_s: float = 5.0) -> None:
        """Write what waits, for at most so many seconds, and end."""
        timer = threading.Timer(patience_s, self._enough.set)
        timer.start()
        self._closing.set()
        self._news.set()
        # A server that hangs is left to the end of the process.
        self._thread.join(patience_s + 10.0)
        timer.cancel()

    def line(self) -> str:
        """The counter line."""
        return f"annotations: sent {self.sent}, there already {self.known}, refused {self.impossible}"

    def _run(self) -> None:
        wait = self._backoff_s[0]
        while not self._enough.is_set():
            try:
                with psycopg.connect(
                    self._dsn, connect_timeout=10, autocommit=True, application_name="gridwatch annotations"
                ) as connection:
                    while not self._enough.is_set():
                        # Asked before looking: what lands meanwhile is looked for again.
                        last = self._closing.is_set()
                        self._news.clear()
                        self._write_all(connection)
                        wait = self._backoff_s[0]
                        if last:
                            return
                        self._news.wait(LOOK_S)
            except (GrafanaException, psycopg.Error, OSError, ValueError) as error:
                if not self._refused:
                    self._refused = True
                    self._say(
                        f"Grafana gets no annotations: {type(error).__name__}: {' '.join(str(error).split())}"[:300]
                    )
                if self._closing.is_set():
                    return
                self._closing.wait(wait)
                wait = min(2 * wait, self._backoff_s[1])

    def _write_all(self, connection: psycopg.Connection[Any]) -> None:
        """Every incident that waits; the oldest first."""
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
        if row is None or not row[0]:
            return
        try:
            while not self._enough.is_set():
                with connection.cursor(row_factory=dict_row) as cursor:
                    found = cursor.execute(_WAITING, (BATCH,)).fetchall()
                for incident in found:
                    if self._enough.is_set():
                        return
                    self._write(connection, incident)
                if len(found) < BATCH:
                    return
        finally:
            if not connection.broken:
                connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))

    def _write(self, connection: psycopg.Connection[Any], incident: Mapping[str, Any]) -> None:
        began = time.monotonic()
        tag = quote(tag_of(incident["incident_id"]), safe=":")
        if self._api.annotations.find_annotations(tags=[tag], limit=1):
            self.known += 1
        else:
            try:
                self._api.annotations.add_annotation(**annotation(incident, self._console))
                self.sent += 1
            except GrafanaBadInputError as wrong:
                # It would be refused for ever, and those behind it with it.
                self.impossible += 1
                self._say(f"Grafana refuses the annotation of incident {incident['incident_id']}: {wrong}"[:300])
        connection.execute(
            "UPDATE incident SET annotated = clock_timestamp() WHERE incident_id = %s", (incident["incident_id"],)
        )
        self._refused = False
        self._enough.wait(max(0.0, self._pause - (time.monotonic() - began)))
