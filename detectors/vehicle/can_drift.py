"""A CAN identifier, or a length of one, that the bus did not carry while it was learned comes again and again.

Compares channel, identifier and length of data frames with the baseline; buses that it does not know are not judged. An outcome
of its own: configuration drift (new software, an added device), no attack; floods of new identifiers are `can_fuzzing`'s. Blind
spot: identifiers that are rare and were not heard while the bus was learned. Source: threat ITS-20 of the catalogue, its
false positives (aftermarket devices, new software with new identifiers).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived
from detectors.profiles import drift
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    frames_min: int = 20  # of the new identifier in the window
    window_s: float = 60.0


def build(p: Params, site: Site) -> Firing:
    known = site.baseline.identifiers or ()
    keys = sorted({f"{i.channel}|{i.can_id}|{str(i.extended).lower()}|{i.length}" for i in known})
    names = ("channel", "can_id", "extended", "dlc")
    heard = pl.concat_str([pl.col(n).cast(pl.String) for n in names], separator="|")
    data = pl.col("channel").is_in(sorted({i.channel for i in known})) & ~pl.col("error") & ~pl.col("remote")
    new = Derived("not in the baseline", data & ~heard.is_in(keys))
    often = CountWithin(names, seconds=p.window_s, at_most=p.frames_min, where=new)
    return Firing(
        when=new.col & (often.col >= p.frames_min),
        memories=(often,),
        values={"often": often.col, "window": pl.lit(p.window_s)},
    )


_SITE = {"baseline": {"identifiers": [{"channel": "can0", "can_id": 256, "length": 8}]}}


def _frames(can_id: int, number: int = 30, dlc: int = 8, channel: str = "can0") -> list[dict[str, object]]:
    return [
        {"time": 0.1 * i, "vehicle": "V", "channel": channel, "can_id": can_id, "dlc": dlc, "data": bytes(dlc)}
        for i in range(number)
    ]


DETECTOR = Detector(
    id="can_drift",
    version=1,
    threat=drift.DRIFT,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    parties=Parties("vehicle", "vehicle"),
    dedup=("vehicle", "channel", "can_id", "dlc"),
    episode_s=86_400.0,
    says="configuration drift: identifier {can_id} with {dlc} bytes is new on {channel} of {vehicle}",
    observed="{often} frames within {window} s",
    expected="the identifiers of the baseline",
    runbook=drift.DRIFT.response,
    needs=("baseline.identifiers",),
    tolerance="a late frame counts at the clock of its identifier",
    examples=(
        fires_on("a new identifier", _frames(257), site=_SITE),
        fires_on("another length", _frames(256, dlc=4), site=_SITE),
        quiet_on(
            "what was learned, a few strays, a bus that is not known",
            [*_frames(256), *_frames(9, 5), *_frames(7, channel="can1")],
            _SITE,
        ),
    ),
)
