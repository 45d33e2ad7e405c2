"""Annotations in Grafana, one an alert, for dashboards of the operator's own.

A courtesy, not a record: what Grafana does not take in time is counted and left out. Truth and history stay in PostgreSQL,
from which the overview draws its own marks.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException

#: Annotations that wait at most; a storm of alerts must not become a storm of requests.
MAX_WAITING: Final = 500
#: Annotations a second at most.
MAX_RATE: Final = 20.0
#: Longest text (characters) of an annotation.
MAX_TEXT: Final = 500

_SEVERITIES: Final = {1: "informational", 2: "low", 3: "medium", 4: "high", 5: "critical"}


def annotation(alert: Mapping[str, Any]) -> dict[str, Any]:
    """What an alert looks like as an annotation; tags let a dashboard choose among them."""
    severity = _SEVERITIES.get(alert["severity_id"], "unknown")
    return {
        "time_from": int(alert["time"].timestamp() * 1000),
        "tags": ["gridwatch", severity, alert["domain"], alert["detector"][:100], alert["technique"][:20]],
        "text": f"{alert['title']}\n{alert['observed']}"[:MAX_TEXT],
    }


class Annotator:
    """Sends annotations from a thread of its own; handing them over never waits.

    Args:
        api: the client.
        say: told once when Grafana begins to refuse.
        rate: annotations a second at most.
        waiting: annotations that wait at most.
    """

    def __init__(
        self, api: GrafanaApi, say: Callable[[str], None], rate: float = MAX_RATE, waiting: int = MAX_WAITING
    ) -> None:
        self._api = api
        self._say = say
        self._pause = 1.0 / rate
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(waiting)
        self._closing = threading.Event()
        self._refused = False
        self.sent = 0
        self.left_out = 0
        self._thread = threading.Thread(target=self._run, name="grafana annotations", daemon=True)
        self._thread.start()

    def __call__(self, alerts: Sequence[dict[str, Any]]) -> None:
        """Hand over alerts that have landed."""
        for alert in alerts:
            try:
                self._queue.put_nowait(annotation(alert))
            except queue.Full:
                self.left_out += 1

    def close(self, patience_s: float = 5.0) -> None:
        """Send what waits, for at most so many seconds, and end."""
        timer = threading.Timer(patience_s, self._closing.set)
        timer.start()
        self._queue.put(None)
        self._thread.join()
        timer.cancel()

    def line(self) -> str:
        """The counter line."""
        return f"annotations: sent {self.sent}, left out {self.left_out}"

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._closing.is_set():
                self.left_out += 1
                continue
            try:
                self._api.annotations.add_annotation(**item)  # type: ignore[no-untyped-call]
                self.sent += 1
                self._refused = False
            except (GrafanaException, OSError) as error:
                self.left_out += 1
                if not self._refused:
                    self._refused = True
                    self._say(f"Grafana takes no annotations: {type(error).__name__}: {error}"[:300])
            self._closing.wait(self._pause)
