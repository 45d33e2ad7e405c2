"""A meter's load switch is opened and closed again and again.

Counts how often the commands to one meter change between connect and disconnect within half an hour: a customer is reconnected
once. Many meters cycled together make the demand of a feeder oscillate. Commands that were refused or failed count too: somebody
tries. Blind spot: cycles slower than the window; switching at the meter itself, past the head-end. Source: threat SG-02 of the
catalogue.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Last, Recent
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HEADEND_COMMAND


@dataclass(frozen=True)
class Params:
    turns_min: int = 3  # changes between connect and disconnect in the window
    window_s: float = 1800.0


BY = ("meter",)
SWITCHES = Derived("switches", pl.col("command").is_in(["connect", "disconnect"]))


def build(p: Params, site: Site) -> Firing:
    before = Last(BY, "command", SWITCHES)
    turn = Derived("turns", (SWITCHES.col & (pl.col("command") != before.col)).fill_null(False), (before,))
    turns = CountWithin(BY, seconds=p.window_s, at_most=max(100, p.turns_min), where=turn)
    return Firing(
        when=turn.col & (turns.col >= p.turns_min),
        memories=(turns,),
        values={
            "turns": turns.col,
            "minutes": pl.lit(p.window_s / 60),
            "most": pl.lit(p.turns_min - 1),
            "where": pl.col("feeder").fill_null("an unknown feeder"),
        },
        trail=(Recent(BY, seconds=p.window_s, at_most=20, where=turn),),
    )


def _commands(meter: str, every_s: float, count: int, first: str = "disconnect") -> list[dict[str, object]]:
    words = [first, "connect" if first == "disconnect" else "disconnect"]
    return [{"time": every_s * i, "meter": meter, "command": words[i % 2], "feeder": "F1"} for i in range(count)]


DETECTOR = Detector(
    id="load_switch_cycling",
    version=1,
    threat=smart_grid_ami.SG_02,
    record=HEADEND_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("meter", "meter", source="host", destination="meter"),
    dedup=("headend", "operator"),
    episode_s=1800.0,
    says="{operator} commands the load switch of {meter} on {where} off and on: {turns} changes in {minutes} min",
    observed="{turns} changes in {minutes} min",
    expected="at most {most}",
    runbook=(
        "Stop the queue of switch commands at the head-end and end the operator's session.",
        "Leave the meters in the state they are in; reconnect in blocks once the feeder is steady.",
        "Look at the feeder's load and voltage, and at other feeders for the same pattern.",
    ),
    tolerance="a late command is passed over",
    examples=(
        fires_on(
            "fifteen meters every two minutes, five cycles",
            sorted((c for i in range(15) for c in _commands(f"M{i}", 120.0, 10)), key=lambda c: float(str(c["time"]))),
        ),
        quiet_on(
            "a move: off, on a little later, and reads between",
            [
                *_commands("M1", 600.0, 2),
                {"time": 300.0, "meter": "M1", "command": "read"},
                {"time": 700.0, "meter": "M1", "command": "connect"},
            ],
        ),
        quiet_on("cut off and reconnected every other day", _commands("M1", 2 * 86_400.0, 8)),
    ),
)
