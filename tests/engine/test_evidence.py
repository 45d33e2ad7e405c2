"""Evidence is gathered for the records that begin an alert, not for every record that fires."""

import subprocess
import sys

import pytest

from detectors.detector import Detector, Example
from detectors.local import frame, make_engine
from detectors.site import parse_site
from tests.engine.examples import records_of
from tests.engine.test_detectors import CASES

#: A flood of refused requests, all of which fire: prints by how much the process grew, MiB.
FLOOD = """
import resource
from datetime import UTC, datetime
import polars as pl
from detectors.catalog import of_domain
from detectors.local import frame, make_engine
from detectors.site import Site
from schemas.records import MODBUS
from schemas.types import Domain
from tests.engine.examples import filled

refused = {"client": "10.0.0.66", "server": "10.0.0.1", "function": 3, "exception": 2, "frames": [1, 2]}
one = frame(MODBUS, [filled(MODBUS, refused)], range(1))
at = pl.int_range(60_000)
time = pl.lit(datetime(2026, 3, 2, tzinfo=UTC)) + pl.duration(milliseconds=at)
flood = pl.concat([one] * 60_000).with_columns(time.alias("time"), at.alias("_arrival"), at.alias("_offset"))
engine = make_engine(Domain.SUBSTATION, of_domain(Domain.SUBSTATION), Site())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outcome = engine.step({}, {MODBUS.name: flood}, flags=False)
assert len(outcome.alerts) == 1
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(("detector", "example"), CASES)
def test_alerts_are_the_same_without_flags(detector: Detector, example: Example) -> None:
    records = records_of(detector, example)
    batch = {
        schema.name: frame(
            schema, [r for s, r in records if s is schema], [i for i, (s, _) in enumerate(records) if s is schema]
        )
        for schema in {s.name: s for s, _ in records}.values()
    }
    engine = make_engine(detector.record.domain, [detector], parse_site(dict(example.site), "example"))
    flagged, plain = engine.step({}, batch), engine.step({}, batch, flags=False)
    assert plain.alerts.equals(flagged.alerts)
    assert plain.flags.is_empty()
    assert plain.state.keys() == flagged.state.keys()
    assert all(plain.state[name].equals(flagged.state[name]) for name in plain.state)


def test_a_flood_that_fires_with_every_record_takes_little_memory() -> None:
    """References for every one of them took 800 MiB."""
    done = subprocess.run([sys.executable, "-c", FLOOD], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250
