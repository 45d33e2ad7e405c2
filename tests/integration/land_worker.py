"""A landing process to kill: `python -m tests.integration.land_worker BOOTSTRAP DSN LAKE ALERTS DEADLETTERS`."""

import sys
import threading
from pathlib import Path

from jobs.land.run import land
from tests.integration.landing import Topics

if __name__ == "__main__":
    bootstrap, dsn, lake, alerts, deadletters = sys.argv[1:]
    what = Topics(bootstrap, alerts, deadletters).landing(
        dsn, Path(lake), until_end=False, until_idle_s=1.5, roll_s=0.05
    )
    land(what, threading.Event(), lambda line: print(line, flush=True))
