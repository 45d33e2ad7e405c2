"""A distributed resource, charger, capacitor bank or tap changer is switched to and fro.

Counts the turns of one device between on and off, closed and open, up and down within an hour; a set-point turns where it goes
down after it went up, unless a market event moves it. Blind spot: slower swings; devices that swing once each, together (see
`der_dispatch`); storage that follows the frequency by set-points without an event looks the same: switch it off there, or raise
`turns_min`. Source: threat SG-32 of the catalogue.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent
from detectors.profiles import smart_grid_operation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DER_COMMAND


@dataclass(frozen=True)
class Params:
    turns_min: int = 6  # changes of direction in the window
    window_s: float = 3600.0


BY = ("device",)
_COMMAND = pl.col("command")
_BEFORE = Last(BY, "setpoint_kw")
_STEP = pl.col("setpoint_kw") - _BEFORE.col
_FREE = (_COMMAND == "setpoint") & (pl.col("event").fill_null("") == "")
#: +1 and -1; null for a command without a direction.
WAY = Derived(
    "way",
    pl.when(_COMMAND.is_in(["start", "connect", "close", "raise"]))
    .then(1)
    .when(_COMMAND.is_in(["stop", "disconnect", "open", "lower"]))
    .then(-1)
    .when(_FREE & (_STEP > 0))
    .then(1)
    .when(_FREE & (_STEP < 0))
    .then(-1),
    (_BEFORE,),
)
_LAST = Last(BY, WAY)
TURNS = Derived("turns", (WAY.expr * _LAST.col < 0).fill_null(False), (_BEFORE, _LAST))


def build(p: Params, site: Site) -> Firing:
    turns = CountWithin(BY, seconds=p.window_s, at_most=max(100, p.turns_min), where=TURNS)
    return Firing(
        when=TURNS.col & (turns.col >= p.turns_min),
        memories=(turns,),
        values={"turns": turns.col, "minutes": pl.lit(p.window_s / 60), "most": pl.lit(p.turns_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=TURNS),),
    )


def _swings(number: int, every_s: float, words: tuple[str, str] = ("close", "open")) -> list[dict[str, object]]:
    return [
        {"time": every_s * i, "fleet": "F1", "source": "vvc", "device": "CB1", "command": words[i % 2]}
        for i in range(number)
    ]


def _sets(number: int, every_s: float, event: str | None = None) -> list[dict[str, object]]:
    order = {"fleet": "F1", "source": "dispatcher", "device": "B7", "command": "setpoint", "event": event}
    return [{"time": every_s * i, **order, "setpoint_kw": (-50.0, 50.0)[i % 2]} for i in range(number)]


DETECTOR = Detector(
    id="der_switching",
    version=1,
    threat=smart_grid_operation.SG_32,
    record=DER_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("device", "device", source="source", destination="device"),
    dedup=("fleet", "source"),
    episode_s=3600.0,
    says="{device} of {fleet} turned {turns} times in {minutes} min, the last time by {source}",
    observed="{turns} turns in {minutes} min, the last command {command}",
    expected="at most {most}",
    runbook=(
        "Block the device's remote control and leave it in the state that the voltage wants.",
        "Find the account or control loop that gave the commands; look whether other devices swing with it.",
        "Look at flicker, voltage and the number of operations of the switchgear.",
    ),
    tolerance="a late command is passed over",
    examples=(
        fires_on("a capacitor bank switched every two minutes", _swings(12, 120.0)),
        fires_on("a battery swung every five minutes", _sets(12, 300.0)),
        quiet_on("a tap changer moves every hour", _swings(24, 3600.0, ("raise", "lower"))),
        quiet_on("a tap changer follows the load", _swings(24, 60.0, ("raise", "raise"))),
        quiet_on("a market event swings the battery", _sets(12, 300.0, "E7")),
    ),
)
