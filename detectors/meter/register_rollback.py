"""Energy register that runs backwards, or jumps beyond what the connection's fuse lets through.

Blind spot: slow under-reporting below the fuse's limit (see `unusual_reading`). Source: ITU-T X.1332 (summary: invalid
metering information); threat SG-03 of the catalogue.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Last, TimeSince
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import METER_READING


@dataclass(frozen=True)
class Params:
    eps_kwh: float = 0.01  # resolution of the register
    fuse_kw: float = 43.5  # three phases of 63 A at 230 V
    margin: float = 1.25  # over the fuse rating
    register_max_kwh: float = 999_999.0  # the register rolls over to 0 behind this
    least_gap_s: float = 60.0  # readings closer together are judged as this far apart: clocks are coarse


def build(p: Params, site: Site) -> Firing:
    by = ("meter",)
    previous, gap, before = Last(by, "register_kwh"), TimeSince(by), Last(by, REFERENCE)
    delta = pl.col("register_kwh") - previous.col
    allowed = p.margin * p.fuse_kw / 3600 * pl.max_horizontal(gap.col, pl.lit(p.least_gap_s))
    rollover = previous.col > 0.99 * p.register_max_kwh
    # The first reading of a meter has no past: nothing to compare with.
    wrong = ((delta < -p.eps_kwh) & ~rollover) | (delta > allowed)
    return Firing(
        when=wrong.fill_null(False),
        memories=(previous, gap),
        values={"previous": previous.col, "delta": delta, "gap": gap.col, "allowed": allowed},
        trail=(before,),
    )


DETECTOR = Detector(
    id="register_rollback",
    version=1,
    threat=smart_grid_ami.SG_03,
    record=METER_READING,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("meter", "meter"),
    dedup=("meter",),
    episode_s=3600.0,
    says="register of {meter} went from {previous} to {register_kwh} kWh in {gap} s",
    observed="step of {delta} kWh in {gap} s",
    expected="between 0 and {allowed} kWh in that time",
    runbook=(
        "Hold the reading from billing and request an on-demand read; compare with the meter's own display.",
        "Look for a meter exchange or a work order at this time.",
        "If it repeats, send a crew with a seal check and keep the raw frames as evidence.",
    ),
    tolerance="a late reading is passed over: it is neither judged nor compared with",
    examples=(
        fires_on(
            "the register loses 50 kWh",
            [{"time": 0, "meter": "M1", "register_kwh": 100.0}, {"time": 900, "meter": "M1", "register_kwh": 50.0}],
        ),
        fires_on(
            "500 kWh in a quarter of an hour",
            [{"time": 0, "meter": "M1", "register_kwh": 100.0}, {"time": 900, "meter": "M1", "register_kwh": 600.0}],
        ),
        quiet_on(
            "ordinary use, two meters",
            [
                {"time": 0, "meter": "M1", "register_kwh": 100.0},
                {"time": 0, "meter": "M2", "register_kwh": 7.0},
                {"time": 900, "meter": "M1", "register_kwh": 100.4},
                {"time": 900, "meter": "M2", "register_kwh": 7.1},
            ],
        ),
        quiet_on(
            "the register rolls over, and a reading comes late",
            [
                {"time": 0, "meter": "M1", "register_kwh": 999_998.9},
                {"time": 900, "meter": "M1", "register_kwh": 0.2},
                {"time": 450, "meter": "M1", "register_kwh": 999_999.0},
                {"time": 1800, "meter": "M1", "register_kwh": 0.5},
            ],
        ),
    ),
)
