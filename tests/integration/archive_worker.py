"""An archiving process to kill: `python -m tests.integration.archive_worker BOOTSTRAP LAKE TOPIC`."""

import sys
import threading
from pathlib import Path

from ingest.publisher import Broker
from jobs.archive.run import Archiving, archive
from schemas.types import Domain

if __name__ == "__main__":
    bootstrap, root, topic = sys.argv[1:]
    what = Archiving(
        Broker(bootstrap), Path(root), (Domain.METER,), roll_s=0.05, until_idle_s=1.5, topics={Domain.METER: topic}
    )
    archive(what, threading.Event(), lambda line: print(line, flush=True))
