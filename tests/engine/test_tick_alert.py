"""An alert that no record but a tick raised is as complete as any other."""

from datetime import UTC, datetime, timedelta

import polars as pl

from detectors.local import frame, make_engine
from detectors.meter import mass_silence
from detectors.site import Site
from schemas.records import ALERT, METER_READING
from schemas.types import Domain

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_what_the_contract_requires_stands_in_it() -> None:
    engine = make_engine(Domain.METER, [mass_silence.DETECTOR], Site())
    readings = [
        {
            "meter": f"m{n}",
            "transformer": "t1",
            "register_kwh": 1.0 * round_,
            "time": START + timedelta(minutes=15 * round_),
        }
        for round_ in range(6)
        for n in range(20)
    ]
    batch = frame(METER_READING, readings, range(len(readings)))
    heard = batch.with_columns(pl.col("time").dt.epoch("us").alias("_broker"))
    outcome = engine.step({}, {METER_READING.name: heard})
    assert outcome.alerts.is_empty()
    tick = round((START + timedelta(days=1)).timestamp() * 1e6)
    (alert,) = engine.step(outcome.state, {}, tick).alerts.iter_rows(named=True)
    absent = [f.name for f in ALERT.fields if not f.nullable and f.name != "detected" and alert[f.name] is None]
    assert absent == []
    assert alert["first_time"] == alert["last_time"] == alert["time"]
    assert (alert["offsets"], alert["frames"]) == (None, None)
