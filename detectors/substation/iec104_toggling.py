"""One object is switched on and off again and again over IEC 60870-5-104.

Counts how often the value of single and double commands (types 45, 46, 58, 59; cause activation) to one object changes within a
minute, select and execute of one command being one value. No operator switches a breaker four times a minute. Blind spot:
slower cycles; set-points. Commands to many objects are `iec104_sweep`'s. Source: threat SG-22 of the catalogue; ATT&CK for
ICS T0831.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    flips_min: int = 4  # changes of the commanded value in the window
    window_s: float = 60.0


BY = ("destination", "common_address", "object_address")
SWITCHES = Derived(
    "switches an object", (pl.col("type_id").is_in([45, 46, 58, 59]) & (pl.col("cause") == 6)).fill_null(False)
)


def build(p: Params, site: Site) -> Firing:
    before = Last(BY, "value", SWITCHES)
    # The first command to an object changes nothing that is known.
    flip = Derived(
        "commanded value changes", (SWITCHES.col & (pl.col("value") != before.col)).fill_null(False), (before,)
    )
    flips = CountWithin(BY, seconds=p.window_s, at_most=max(1000, p.flips_min), where=flip)
    return Firing(
        when=flip.col & (flips.col >= p.flips_min),
        memories=(flips,),
        values={"flips": flips.col, "window": pl.lit(p.window_s), "most": pl.lit(p.flips_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=flip),),
    )


def _command(time: float, value: float, object_address: int = 4001, cause: int = 6) -> dict[str, object]:
    return {
        "time": time,
        "source": "10.0.0.1",
        "destination": "10.0.0.20",
        "format": "I",
        "type_id": 45,
        "cause": cause,
        "common_address": 3,
        "object_address": object_address,
        "value": value,
    }


DETECTOR = Detector(
    id="iec104_toggling",
    version=2,
    threat=smart_grid_substation.SG_22.by("T0831"),
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("destination", "common_address", "object_address"),
    episode_s=300.0,
    says="{source} switches object {object_address} of {destination} on and off: {flips} times in {window} s",
    observed="{flips} changes of the commanded value in {window} s",
    expected="at most {most}",
    runbook=(
        "Block remote control of the bay and look at the breaker's state on site.",
        "Find out which account or host the commands came from; end its session.",
        "Check the breaker's drive before it is switched again: fast switching wears it out.",
    ),
    tolerance="a late command is passed over",
    examples=(
        fires_on("off and on every five seconds", [_command(5.0 * i, float(i % 2)) for i in range(8)]),
        quiet_on(
            "ten objects switched off, each selected and executed, and one switched back",
            [
                *(_command(2.0 * i + s, 0.0, 4000 + i) for i in range(10) for s in (0, 1)),
                *(_command(2.0 * i + 1.5, 0.0, 4000 + i, cause=7) for i in range(10)),
                _command(30.0, 1.0, 4003),
            ],
        ),
        quiet_on("one object four times in an hour", [_command(900.0 * i, float(i % 2)) for i in range(5)]),
    ),
)
