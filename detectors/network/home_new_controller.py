"""An energy device of a home is commanded by a controller that the home never used, at a time of day when it never is.

Learns for each home who commands its devices, and in which quarters of the day each device is commanded; judges once the home's
commands were seen for `learn_s`. Blind spot: a stolen account or app of the household; a command at a usual time. Source:
threat HN-01 of the catalogue; ITU-T X.1331 clauses 7.4 and 10.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.grouping import TIME
from detectors.home_devices import IS_ENERGY
from detectors.memory import Derived, Least, Recent, SeenBefore
from detectors.profiles import home_network
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import HOME_EVENT


@dataclass(frozen=True)
class Params:
    learn_s: float = 259_200.0  # of a home's commands, before it is judged
    known_s: float = 2_592_000.0  # how long a controller and a time of day are known


COMMAND = Derived("commands an energy device", (pl.col("event") == "command") & IS_ENERGY)
#: Quarters of the day, and those that begin three hours later: two times that are less than three hours apart share one.
HOUR = pl.col("time").dt.hour().cast(pl.Int32)
QUARTER, BETWEEN = (
    Derived("quarter of the day", HOUR // 6),
    Derived("quarter of the day from 3:00", (HOUR + 21) % 24 // 6),
)
CLOCK = Derived("event time", pl.col(TIME).cast(pl.Float64))


def build(p: Params, site: Site) -> Firing:
    begun = Least(("home",), CLOCK, COMMAND)
    controller = SeenBefore(("home",), p.known_s, 64, "requester", COMMAND)
    early, late = (SeenBefore(("device",), p.known_s, 8, quarter, COMMAND) for quarter in (QUARTER, BETWEEN))
    learned = (CLOCK.col - begun.col >= p.learn_s * 1e6).fill_null(False)
    # Where it is not said who commands, nobody is new.
    return Firing(
        when=COMMAND.col & learned & ~controller.col.fill_null(True) & ~early.col & ~late.col,
        memories=(begun, controller, early, late),
        values={"what": pl.col("command").fill_null("something")},
        trail=(Recent(("device",), 86_400.0, 10, COMMAND),),
    )


def _command(day: float, requester: str | None = "app-anna", **fields: object) -> dict[str, object]:
    return {
        "time": 86_400.0 * day,
        "home": "home-0815",
        "event": "command",
        "device": "02:00:5e:10:00:01",
        "device_kind": "ev_charger",
        "requester": requester,
        "command": "charge_limit",
        **fields,
    }


#: Examples begin at noon: about 18:00.
_USUAL = [_command(0.26 + i) for i in range(5)]

DETECTOR = Detector(
    id="home_new_controller",
    version=1,
    threat=home_network.HN_01,
    record=HOME_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("home device", "device", source="requester", destination="device"),
    dedup=("home", "device"),
    episode_s=86_400.0,
    says="{requester}, new to {home}, tells the {device_kind} {device} {what} at an unusual time of day",
    observed="{what} by {requester}",
    expected="commands of known controllers, or at the usual time of day",
    runbook=(
        "Ask the customer whether the controller is theirs; else take it off the device.",
        "Set the device back to its own schedule.",
        "Look for the same controller in other homes: load is moved by many of them.",
    ),
    tolerance="a late command is judged by what was known before it arrived",
    examples=(
        fires_on("a stranger at night", [*_USUAL, _command(5.6, "app-eve")]),
        quiet_on("a new app of the family in the evening", [*_USUAL, _command(5.3, "app-ben")]),
        quiet_on("the family at night", [*_USUAL, _command(5.6)]),
        quiet_on("on the second day nothing is known yet", [*_USUAL[:2], _command(1.6, "app-eve")]),
        quiet_on("nobody says who it was", [*_USUAL, _command(5.6, None)]),
    ),
)
