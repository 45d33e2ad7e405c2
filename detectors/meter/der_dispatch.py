"""A large share of a fleet of distributed resources or chargers is commanded at once without a market event.

Counts, within a minute, the different devices of a fleet that are commanded and the kilowatts by which their set-points
move, against the fleet's size in `resources.fleets` of the site file; without that fact devices are compared with those
that the log named within a week. Blind spot: forged events; a ramp slower than the window; fewer than `devices_min`
devices. A response to a market event that the record does not name looks the same. Source: threat SG-32 of the catalogue;
OCPP 1.6 (RemoteStartTransaction, RemoteStopTransaction, SetChargingProfile, ChangeAvailability).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Last, Recent, SumWithin
from detectors.profiles import smart_grid_operation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DER_COMMAND


@dataclass(frozen=True)
class Params:
    fleet_share: float = 0.1  # of the fleet's devices, or of its power: fires above
    devices_min: int = 5  # devices from which the shares count
    window_s: float = 60.0


#: Fleets without a size in the site file: devices that the log named within this time, seconds, and at most so many.
KNOWN_S, KNOWN = 7 * 86_400.0, 5000
FLEET = ("fleet",)
BARE = Derived("without event", pl.col("event").fill_null("") == "")
BEFORE = Last(("device",), "setpoint_kw")
MOVED = Derived("kW moved", (pl.col("setpoint_kw") - BEFORE.col).abs().fill_nan(None), (BEFORE,))


def build(p: Params, site: Site) -> Firing:
    fleets = site.resources.fleets
    known = DistinctWithin(FLEET, seconds=KNOWN_S, at_most=KNOWN, value="device")
    devices = DistinctWithin(FLEET, seconds=p.window_s, at_most=KNOWN, value="device", where=BARE)
    moved = SumWithin(FLEET, seconds=p.window_s, at_most=KNOWN, value=MOVED, where=BARE)

    def fact(of: Mapping[str, float]) -> pl.Expr:
        return pl.col("fleet").replace_strict(list(of), list(of.values()), default=None, return_dtype=pl.Float64)

    size = pl.coalesce(fact({name: float(f.devices) for name, f in fleets.items()}), known.col.cast(pl.Float64))
    power = fact({name: f.power_kw for name, f in fleets.items() if f.power_kw is not None})
    many = devices.col > p.fleet_share * size
    # The power of a fleet that the site file does not give is not compared with.
    much = (moved.col > p.fleet_share * power).fill_null(False)
    return Firing(
        when=BARE.col & (devices.col >= p.devices_min) & (many | much),
        memories=(known, devices, moved),
        values={"devices": devices.col, "size": size, "moved": moved.col, "window": pl.lit(p.window_s)},
        trail=(Recent(FLEET, seconds=p.window_s, at_most=50, where=BARE),),
    )


def _commands(
    number: int, command: str, every_s: float = 0.5, begin: float = 0.0, **fields: object
) -> list[dict[str, object]]:
    order = {"fleet": "solar-west", "source": "dispatcher", "command": command, **fields}
    return [{"time": begin + i * every_s, **order, "device": f"D{i}"} for i in range(number)]


_SITE = {"resources": {"fleets": {"solar-west": {"devices": 100, "power_kw": 1000.0}}}}

DETECTOR = Detector(
    id="der_dispatch",
    version=1,
    threat=smart_grid_operation.SG_32,
    record=DER_COMMAND,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("fleet", "fleet", source="source", destination="device"),
    dedup=("fleet", "source"),
    episode_s=3600.0,
    says="{source} commands {devices} of {size} devices of {fleet} in {window} s without a market event",
    observed="{devices} of {size} devices commanded, the last to {command}; {moved} kW moved",
    expected="single commands, or market events that say who asked for what",
    runbook=(
        "Stop the dispatch at the gateway; set the devices to their safe default.",
        "Ask the market system and the dispatcher whether an event was meant; revoke the account's session if not.",
        "Bring the devices back in steps, not all at once; watch frequency and voltage meanwhile.",
    ),
    tolerance="a late command counts at the fleet's clock; one later than the window is not counted",
    examples=(
        fires_on("forty of a hundred devices set to zero", _commands(40, "setpoint", setpoint_kw=0.0), site=_SITE),
        fires_on(
            "six devices set from 0 to 30 kW: little of the fleet, but much of its power",
            _commands(6, "setpoint", setpoint_kw=0.0, every_s=100.0)
            + _commands(6, "setpoint", begin=1000.0, setpoint_kw=30.0),
            site=_SITE,
        ),
        fires_on(
            "all chargers stopped, no site file",
            _commands(30, "start", every_s=200.0) + _commands(30, "stop", begin=9000.0),
        ),
        quiet_on("a market event moves the fleet", _commands(90, "setpoint", event="E7", setpoint_kw=0.0), site=_SITE),
        quiet_on("drivers start chargers through the day", _commands(60, "start", every_s=90.0), site=_SITE),
    ),
)
