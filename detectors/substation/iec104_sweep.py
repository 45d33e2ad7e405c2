"""Commands of IEC 60870-5-104 go through many objects of a station, or count up their addresses.

Fires when one host commands (types 45 to 51 and 58 to 64; cause activation) `objects_min` different objects within the
window, or when `run_min` commands in a row each address the next object but at most `stride_max` on. No operator works
so fast, and no scheme switches objects in the order of their addresses. A control centre that sheds load with many
commands at once looks like a sweep: raise `objects_min` in the site file. Blind spot: a slower sweep in no order.
Source: threat SG-22 of the catalogue; ATT&CK for ICS T0806.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.iec104 import SETPOINTS, SWITCHING, said
from detectors.memory import Derived, DistinctWithin, Last, Recent, RunLength
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import IEC104


@dataclass(frozen=True)
class Params:
    objects_min: int = 12  # commanded in the window
    window_s: float = 60.0
    run_min: int = 8  # commands that count up
    stride_max: int = 16  # addresses from one to the next


BY = ("source", "destination", "common_address")
COMMANDS = Derived("process command", said(pl.col("type_id").is_in((*SWITCHING, *SETPOINTS)) & (pl.col("cause") == 6)))
#: Select and execute address one object twice: a step is a command to another one.
ADDRESS = Derived("commanded object", pl.when(COMMANDS.expr).then("object_address").cast(pl.Int64))


def build(p: Params, site: Site) -> Firing:
    objects = DistinctWithin(BY, seconds=p.window_s, at_most=max(1000, p.objects_min), value=ADDRESS)
    before = Last(BY, ADDRESS)
    step = ADDRESS.col - before.col
    # Nothing is a step within one object; everything else either counts up or ends the run, which False begins anew.
    up = Derived(
        f"counts up by at most {p.stride_max}", pl.when(step != 0).then((step > 0) & (step <= p.stride_max)), (before,)
    )
    run = RunLength(BY, up)
    climbs = said(up.col) & said(run.col >= p.run_min - 1)
    many = objects.col >= p.objects_min
    return Firing(
        when=COMMANDS.col & (climbs | many),
        memories=(objects, run),
        values={"objects": objects.col, "window": pl.lit(p.window_s), "most": pl.lit(p.objects_min - 1)},
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=COMMANDS),),
    )


def _command(time: float, object_address: int, cause: int = 6) -> dict[str, object]:
    ends = {"source": "10.0.0.66", "destination": "10.0.0.20", "format": "I", "common_address": 3}
    return {"time": time, **ends, "type_id": 45, "cause": cause, "object_address": object_address, "value": 0.0}


DETECTOR = Detector(
    id="iec104_sweep",
    version=1,
    threat=smart_grid_substation.SG_22,
    record=IEC104,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("station", "destination", source="source", destination="destination"),
    dedup=("source", "destination"),
    episode_s=300.0,
    says="{source} goes through the objects of {destination} with commands: {objects} in {window} s",
    observed="commands to {objects} objects in {window} s, the last to {object_address}",
    expected="at most {most}, in no order of their addresses",
    runbook=(
        "Block command direction at the gateway at once; monitoring direction may stay.",
        "Put the bays in local mode, then verify each breaker.",
        "Find out which account or host the commands came from; end its session.",
    ),
    tolerance="a late command is passed over in a run, and counts at the clock of its key in the window",
    examples=(
        fires_on("five objects a second", [_command(0.2 * i, 1100 + i) for i in range(60)]),
        fires_on("in the order of addresses, a minute apart", [_command(60.0 * i, 1100 + 2 * i) for i in range(9)]),
        quiet_on(
            "seven switches in a row, each selected and executed",
            [_command(10.0 * i + s, 4000 + i) for i in range(7) for s in (0, 1)],
        ),
        quiet_on("a few objects, to and fro, over an hour", [_command(90.0 * i, 4000 + i % 6) for i in range(40)]),
        quiet_on("confirmations", [_command(0.2 * i, 1100 + i, cause=7) for i in range(60)]),
    ),
)
