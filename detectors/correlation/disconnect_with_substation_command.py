"""Load is switched at many meters, and substations get unauthorised commands, within an hour.

Each alone has its own alert; together they are an attack on the supply. Told by domain and ATT&CK technique of the alerts: unauthorised
commands or brute force I/O (T0855, T0806) in the meter domain; these, restarts (T0816) or manipulated control (T0831) in the substation
domain. Either may come first. Blind spot: more than `window_s` between the two; a domain whose records come so late. One alert an hour for
the whole installation. Source: E-ISAC and SANS ICS, Analysis of the Cyber Attack on the Ukrainian Power Grid (2016).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Recent
from detectors.plan import LINE
from detectors.profiles import correlation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import ALERT


@dataclass(frozen=True)
class Params:
    window_s: float = 3600.0


_LOAD = (pl.col("domain") == "meter") & pl.col("technique").is_in(["T0855", "T0806"])
_COMMAND = (pl.col("domain") == "substation") & pl.col("technique").is_in(["T0855", "T0806", "T0816", "T0831"])
LOAD = Derived("load switched", _LOAD)
COMMAND = Derived("substation commanded", _COMMAND)
EITHER = Derived("load or substation", _LOAD | _COMMAND)


def build(p: Params, site: Site) -> Firing:
    load = CountWithin((), seconds=p.window_s, at_most=1000, where=LOAD)
    commands = CountWithin((), seconds=p.window_s, at_most=1000, where=COMMAND)
    return Firing(
        when=EITHER.col & (load.col >= 1) & (commands.col >= 1),
        memories=(load, commands),
        values={"load": load.col, "commands": commands.col, "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent((), seconds=p.window_s, at_most=50, where=EITHER),),
    )


def _disconnect(time: float) -> dict[str, object]:
    return {
        "time": time,
        "alert_id": f"m{time:g}",
        "domain": "meter",
        "technique": "T0855",
        "title": "200 meters",
        "site": "H1",
    }


def _command(time: float, **fields: object) -> dict[str, object]:
    own = {"domain": "substation", "technique": "T0855", "title": "a command", "site": "S1"}
    return {"time": time, "alert_id": f"s{time:g}", **own, **fields}


DETECTOR = Detector(
    id="disconnect_with_substation_command",
    version=1,
    threat=correlation.COR_02,
    record=ALERT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("site", "site", source="source", destination="entity"),
    dedup=(LINE,),
    episode_s=3600.0,
    says="load is switched at meters and substations are commanded within {minutes} min; the last alert, at {site}: {title}",
    observed="{load} alerts of switched load, {commands} of substation commands",
    expected="never both within {minutes} min",
    runbook=(
        "Call the control centre: switch by telephone and by hand until remote control is clean.",
        "Freeze the head-end's queue of commands and block the source of the substation commands at once.",
        "Watch frequency and feeder loads; reconnect in staged blocks.",
    ),
    tolerance="an alert that comes late counts at the clock of all alerts; one later than the window is not counted",
    examples=(
        fires_on("a mass disconnect, then a forged trip", [_disconnect(0), _command(900), _command(1000)]),
        fires_on("the other way round", [_command(0), _disconnect(900)]),
        quiet_on("two hours between", [_disconnect(0), _command(7200)]),
        quiet_on("a disconnect beside a scan", [_disconnect(0), _command(60, technique="T0888")]),
    ),
)
