"""A satellite navigation receiver is led astray or blinded.

- Led astray: a roadside unit measures itself away from its surveyed place (`v2x.receivers` of the site file), or its clock steps; a
  vehicle's speed by satellites differs from that of its wheels for `speed_hold_s`; all satellites come in with the same strength
  just after the input gain stepped, as from one transmitter.
- Blinded: no fix while the input gain stands at its lower end, which strong signals do and a tunnel does not.

Clock steps of whole milliseconds are the receiver's own steering. Blind spot: a vehicle without
wheel speed that is led away; receivers that report neither gain nor signal strengths. Source: threat ITS-16 of the catalogue; UN R155
annex 5, 4.1; NIST GNSS threats GPS-0 and GPS-1.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, length, north_m
from detectors.holding import held
from detectors.memory import Derived, Ewma, Last, Recent, TimeSince
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import GNSS


@dataclass(frozen=True)
class Params:
    away_m: float = 10.0  # of a roadside unit from its surveyed place
    clock_step_s: float = 1e-6  # beyond what the clock drifts meanwhile
    clock_drift: float = 1e-7  # of a roadside unit's oscillator, seconds a second
    speed_ms: float = 3.0  # between satellites and wheels
    speed_hold_s: float = 5.0
    alike_db: float = 1.5  # standard deviation of the signal strengths: fires below
    gain_step: float = 15.0  # of the input gain from its slow mean, % of its range
    gain_low: float = 3.0  # lower end of the input gain, % of its range
    hold_s: float = 5.0  # that everything but a clock step must last
    gap_max_s: float = 60.0  # between two reports of which the second goes on with the first


BY = ("receiver",)
GAIN = Ewma(BY, "agc_percent", alpha=0.002, least=10)
CLOCK, GAP = Last(BY, "clock_bias_s"), TimeSince(BY)
LOST = ["none", "dead_reckoning"]


def build(p: Params, site: Site) -> Firing:
    places = site.v2x.receivers
    names = list(places)
    surveyed = [
        pl.col("receiver").replace_strict(
            names, [getattr(place, name) for place in places.values()], default=None, return_dtype=pl.Float64
        )
        for name in ("latitude", "longitude")
    ]
    away = length(
        east_m(pl.col("latitude"), pl.col("longitude"), surveyed[1]), north_m(pl.col("latitude"), surveyed[0])
    )
    step = pl.col("clock_bias_s") - CLOCK.col
    steered = (step - (step * 1e3).round() * 1e-3).abs()
    stepped = steered > p.clock_step_s + p.clock_drift * GAP.col
    apart = (pl.col("speed_ms") - pl.col("wheel_speed_ms")).abs()
    alike = (pl.col("cn0_std_db") < p.alike_db) & ((pl.col("agc_percent") - GAIN.col).abs() > p.gain_step)
    blind = pl.col("fix").is_in(LOST) & (pl.col("agc_percent") <= p.gain_low)
    fixed = ~pl.col("fix").is_in(LOST)

    def lasts(name: str, condition: pl.Expr, *memories: Ewma) -> Derived:
        return held(BY, Derived(f"{name} by {p}", condition.fill_null(False), memories), p.gap_max_s)

    runs = [
        lasts("away", fixed & (away > p.away_m)),
        lasts("apart", fixed & (apart > p.speed_ms)),
        lasts("alike", alike, GAIN),
        lasts("blind", blind),
    ]
    when, why = reasons(
        (runs[0].expr >= p.hold_s, pl.format("it measures itself {} m from its place", away)),
        (stepped & pl.col("receiver").is_in(names), pl.format("its clock stepped by {} us", steered * 1e6)),
        (runs[1].expr >= p.speed_hold_s, pl.format("satellites and wheels differ by {} m/s", apart)),
        (runs[2].expr >= p.hold_s, "all satellites are equally strong since the gain stepped"),
        (runs[3].expr >= p.hold_s, "it has no fix, and its input is driven to the end"),
    )
    return Firing(
        when=when,
        memories=(CLOCK, GAP, *(memory for run in runs for memory in run.memories)),
        values={"why": why},
        trail=(Recent(BY, seconds=60.0, at_most=20),),
    )


def _gnss(begin: int, count: int, **fields: object) -> list[dict[str, object]]:
    own = {
        "receiver": "RSU-1",
        "fix": "3d",
        "latitude": 48.1,
        "longitude": 11.6,
        "cn0_std_db": 4.0,
        "agc_percent": 50.0,
    }
    return [{**own, "time": float(begin + i), "clock_bias_s": 1e-8 * i, **fields} for i in range(count)]


_SITE = {"v2x": {"receivers": {"RSU-1": {"latitude": 48.1, "longitude": 11.6}}}}
_USUAL = _gnss(0, 30)

DETECTOR = Detector(
    id="gnss_disturbed",
    version=1,
    threat=its_messages.ITS_16,
    record=GNSS,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("receiver", "receiver", destination="receiver"),
    dedup=("receiver",),
    episode_s=600.0,
    says="satellite navigation of {receiver} is disturbed: {why}",
    observed="{why}; fix {fix}",
    expected="the surveyed place, the speed of the wheels, signals of different strength",
    runbook=(
        "Use holdover time and the surveyed position of the roadside unit.",
        "Tell receivers in the area to widen their position confidence; suspend services that need lane accuracy.",
        "Locate the source with a second receiver; tell the spectrum regulator.",
    ),
    tolerance="a late report is passed over",
    examples=(
        fires_on("a roadside unit wanders off", [*_USUAL, *_gnss(30, 9, latitude=48.1003)], site=_SITE),
        fires_on("its clock steps by 20 us", [*_USUAL, *_gnss(30, 9, clock_bias_s=2e-5)], site=_SITE),
        fires_on("wheels stand still", [*_USUAL, *_gnss(30, 9, speed_ms=12.0, wheel_speed_ms=0.2)]),
        fires_on("one transmitter", [*_USUAL, *_gnss(30, 9, cn0_std_db=0.6, agc_percent=22.0)]),
        fires_on("a jammer", [*_USUAL, *_gnss(30, 9, fix="none", latitude=None, longitude=None, agc_percent=0.0)]),
        quiet_on("a tunnel", [*_USUAL, *_gnss(30, 60, fix="none", latitude=None, longitude=None, agc_percent=62.0)]),
        quiet_on("the receiver steers its clock", [*_USUAL, *_gnss(30, 9, clock_bias_s=-1e-3)], site=_SITE),
        quiet_on(
            "wheels spin for three seconds", [*_USUAL, *_gnss(30, 3, speed_ms=2.0, wheel_speed_ms=9.0), *_gnss(33, 9)]
        ),
        quiet_on(
            "a vehicle drives",
            [{**r, "latitude": 48.1 + 1e-4 * i} for i, r in enumerate(_gnss(0, 60, receiver="car"))],
            site=_SITE,
        ),
    ),
)
