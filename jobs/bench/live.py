"""Live traffic at a steady rate: each reading carries the moment at which it is published."""

import threading
import time
from typing import Final

import numpy as np

from ingest.publisher import Broker, Pace
from jobs.bench.fill import Filler
from jobs.bench.fleet import ROLLBACK_KWH, Fleet
from schemas.records import METER_READING

#: Seconds between two bursts of readings.
BURST_S: Final = 0.01
#: Share of the readings whose register is set back, each of another meter.
FIRING: Final = 0.01
#: Seconds in which the whole fleet is read once. Short, so that the model has enough readings of a meter before the
#: measurement begins. Set-backs begin in the second round.
ROUND_S: Final = 1


def publish(bootstrap: str, rate: int, seconds: float, seed: int) -> None:
    """Publish `rate` readings a second for `seconds`: a process of its own, so that nothing else holds it up.

    Raises:
        RunFault: the broker does not take them.
    """
    filler = Filler(Broker(bootstrap), lambda: time.time_ns() // 1000, Pace.LIVE)
    burst = max(1, round(rate * BURST_S))
    fleet = Fleet(rate * ROUND_S, time.time_ns() // 1000, seed, interval_s=ROUND_S, one_in=2**62)
    random = np.random.default_rng(seed)
    set_back = np.zeros(fleet.meters, dtype=np.bool_)
    wait, sent, began = threading.Event(), 0, time.monotonic()
    at, columns = fleet.meters, fleet.round()
    while sent < rate * seconds:
        if at >= fleet.meters:
            at, columns = 0, fleet.round() if sent else columns
            # A round's columns come in one order: a meter stands at the same place in each.
            if sent:
                set_back |= random.random(fleet.meters) < FIRING
            columns = {**columns, "register_kwh": columns["register_kwh"] - ROLLBACK_KWH * set_back}
        chunk = {name: values[at : at + burst] for name, values in columns.items()}
        now = time.time_ns() // 1000
        filler.send(METER_READING, {**chunk, "time": np.full(len(chunk["time"]), now)})
        at, sent = at + burst, sent + len(chunk["time"])
        ahead = began + sent / rate - time.monotonic()
        if ahead > 0:
            wait.wait(ahead)
    filler.flush()
