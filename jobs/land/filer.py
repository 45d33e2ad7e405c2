"""Filing beside landing: a thread with a connection of its own, so that no row waits for a disk."""

import threading
import time

from jobs.land.filing import FILE_ROWS, Filing
from jobs.land.store import Store

#: Seconds between two looks for rows without a file, at most.
LOOK_S = 1.0


class Filer:
    """Rolls when the oldest row without a file is old enough, or when there are enough of them.

    Args:
        store: a connection that nobody else uses; it holds the lock of filing.
        filing: the lake.
        roll_s: age at which files are made, seconds.
    """

    def __init__(self, store: Store, filing: Filing, roll_s: float) -> None:
        self._store = store
        self._filing = filing
        self._roll_s = roll_s
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="filing")
        self.files = 0
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the thread, if anything did: a RunFault, or a lost connection."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Make files of everything that has none, then end."""
        self._end()
        self.check()
        while True:
            self.files += self._filing.roll(self._store)
            if not self._store.waiting():
                return

    def close(self) -> None:
        """End; a file that is being written is finished first."""
        self._end()
        self._store.close()

    def _end(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        since: float | None = None
        try:
            while not self._stop.wait(min(LOOK_S, self._roll_s)):
                waiting = self._store.waiting()
                now = time.monotonic()
                since = (since or now) if waiting else None
                if since is not None and (now - since >= self._roll_s or waiting >= FILE_ROWS):
                    self.files += self._filing.roll(self._store)
                    since = None
        except BaseException as failure:  # noqa: BLE001 - `check` raises it again, in the thread that can act on it
            self._failure = failure
