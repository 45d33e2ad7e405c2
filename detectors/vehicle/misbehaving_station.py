"""A station whose messages are implausible again and again: all checks of its messages, fused into one score.

Every check gives a message a score (1 fits, 0 not at all); the worst of them fills a bucket of the station the faster the worse it is,
and every message lets one out. What each check sees for a moment, or not quite, adds up here; the alert names the checks as ETSI TS 103
759 does, with the class of what they rest on. Checks of roads, range and generation rules join in where the site file has the facts.
Blind spot: a station that changes its pseudonym with every message (`ghost_vehicles`); falsifications that fit together and stay on
the road. Source: threats ITS-02 to ITS-08 of the catalogue; F2MD (Kamel et al.), behavioural application; ETSI TS 103 759.
"""

from dataclasses import dataclass

import polars as pl

from detectors import plausibility as check
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Cusum, Derived, Last, Recent, Shared
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    confidence_m: float = 10.0  # of a position that tells none, and the least that is believed
    confidence_max_m: float = 20.0  # the most that is believed
    speed_max_ms: float = 70.0
    faster_ms2: float = 5.0  # what a vehicle gains, and loses, in a second
    slower_ms2: float = 10.0
    speed_noise_ms: float = 3.0
    gap_max_s: float = 3.1  # between two messages that are compared
    fade_s: float = 12.0  # after which a step of the track hardly counts
    speed_share: float = 0.07  # of the claimed way that noise of the speed explains
    half_width_m: float = 6.0  # of a road
    moving_ms: float = 2.0  # slower stations may be in a yard
    report: float = 5.5066  # content of the bucket: fires from there (F2MD)
    one_message: float = 5.0  # the most that one message fills in
    most: float = 200.0


def checks(p: Params, site: Site) -> list[check.Check]:
    """The checks that the site file has the facts for."""
    claimed = check.radius(p.confidence_m, p.confidence_max_m)
    motion = check.Motion(p.fade_s, p.gap_max_s)
    found = [
        check.position_change(p.speed_max_ms, p.gap_max_s, claimed, trusting=True),
        check.speed_change(p.faster_ms2, p.slower_ms2, p.speed_noise_ms, p.gap_max_s),
        motion.speed_check(claimed, p.speed_share),
        motion.heading_check(claimed),
        check.static_change(),
    ]
    if site.v2x.rules == "etsi":
        found.append(check.Dynamics().check())
    if site.v2x.receivers:
        found.append(check.out_of_range(site.v2x.receivers, claimed))
    if site.v2x.roads is not None:
        found.append(check.off_road(site.v2x.roads, p.half_width_m, p.moving_ms, claimed))
    return found


def build(p: Params, site: Site) -> Firing:
    by = check.BY
    all_checks = checks(p, site)
    offs = tuple(c.shared for c in all_checks)
    worst = Shared(Derived(f"worst score {p}", pl.min_horizontal(c.score for c in all_checks), offs))
    grown = Derived(f"implausibility {p}", (0.0005 * (10 * (1 - worst.col)).exp()).clip(0, p.one_message), (worst,))
    judged = Derived(
        f"judged {p}",
        check.PLACED.expr & ((pl.col("speed_ms") > 1.0).fill_null(True) | (worst.col <= check.FAILS)),
        (worst,),
    )
    bucket = Cusum(by, grown, slack=1.0, where=judged, most=p.most)
    failing = pl.sum_horizontal(c.fails.cast(pl.Int32) * 2**i for i, c in enumerate(all_checks))
    bits = Shared(Derived(f"failing checks {p}", pl.when(failing > 0).then(failing), offs))
    failed = Last(by, bits.value)
    why = pl.concat_str(
        [
            pl.when((pl.coalesce(bits.col, failed.col) // 2**i) % 2 == 1).then(pl.lit(f"{c.name} (class {c.observed})"))
            for i, c in enumerate(all_checks)
        ],
        separator=", ",
        ignore_nulls=True,
    )
    return Firing(
        when=bucket.col >= p.report,
        memories=(bucket, failed),
        values={"why": why, "bucket": bucket.col, "report": pl.lit(p.report)},
        trail=(Recent(by, seconds=10.0, at_most=10, where=Derived(f"fails {p}", bits.col.is_not_null(), (bits,))),),
    )


def _drive(messages: int, aside_m: float = 0.0, step_m: float = 12.0) -> list[dict[str, object]]:
    """A message a second of a car that drives north at 12 m/s; every other one is aside."""
    return [
        {
            "time": float(i),
            "station": "A1",
            "message_count": i,
            "latitude": 48.0 + i * step_m / 111_195,
            "longitude": 11.0 + (i % 2) * aside_m / 74_405,
            "position_confidence_m": 3.0,
            "speed_ms": 12.0,
            "heading_deg": 0.0,
        }
        for i in range(messages)
    ]


DETECTOR = Detector(
    id="misbehaving_station",
    version=1,
    threat=its_awareness.ITS_05,
    record=CAM,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} fails {why}",
    observed="{why}; bucket at {bucket}",
    expected="messages that fit the ones before, the road and the rules: a bucket below {report}",
    runbook=(
        "Exclude the station from traffic functions for five minutes.",
        "Send a misbehaviour report (ETSI TS 103 759) with the messages of the evidence and the observations named here.",
        "Look whether other stations near it fail too: then it is the receiver, or satellite navigation (ITS-16).",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on("half of its messages are beside the way that it claims", _drive(40, aside_m=60.0)),
        fires_on("it stands at one place and says that it drives", _drive(30, step_m=0.0)),
        quiet_on("it drives as it says", _drive(60)),
        quiet_on("positions that are some metres wrong", _drive(60, aside_m=5.0)),
        quiet_on(
            "one message is 30 m wrong", [*_drive(20), {**_drive(21)[20], "longitude": 11.0004}, *_drive(40)[22:]]
        ),
    ),
)
