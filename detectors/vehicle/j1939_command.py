"""A J1939 source that never did commands the engine's speed or torque (TSC1).

Torque/Speed Control 1 with the override mode speed control or torque control (SPN 695, values 1 and 2), `frames_min` times in
`window_s`, from a source address that is not one of `can.engine_commanders` of the site file. Without that fact the addresses that do
so within the first `learn_s` seconds of a bus are learned. Limits (mode 3), which a transmission sets with every shift, are left
alone unless the site file lists who may command. Blind spot: an attacker under the address of a control unit that commands the engine;
an attack from the first seconds on; limits that starve the engine. Source: threat ITS-18 of the catalogue; SAE J1939-71, TSC1 (PGN 0).
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import (
    BUS,
    DESTINATION_ADDRESS,
    IDENTIFIER,
    SOURCE_ADDRESS,
    byte,
    every,
    frames,
    group_is,
    merged,
)
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Age, CountWithin, Derived, Least, Recent
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    learn_s: float = 5.0  # of a bus whose commanding addresses are learned
    frames_min: int = 5
    window_s: float = 1.0


_MODE = byte(0) % 4
#: Torque/Speed Control 1 that commands, not only limits.
COMMANDS = Derived("TSC1 control", (group_is(0) & _MODE.is_in([1, 2])).fill_null(False))
#: TSC1 that commands or limits.
ANY = Derived("TSC1", (group_is(0) & (_MODE != 0)).fill_null(False))


def build(p: Params, site: Site) -> Firing:
    age = Age(BUS)
    listed = site.can.engine_commanders
    if listed is None:
        # The first command of an identifier tells whether its address was learned.
        at = Derived("age of the bus", age.col, (age,))
        first = Least(IDENTIFIER, at, COMMANDS)
        strange = Derived(
            f"TSC1 control not before {p.learn_s:g}s",
            COMMANDS.expr & (pl.min_horizontal(first.col, age.col) >= p.learn_s),
            (first, age),
        )
    else:
        strange = Derived("TSC1 of an unlisted source", ANY.expr & ~SOURCE_ADDRESS.is_in(list(listed)))
    often = CountWithin(IDENTIFIER, seconds=p.window_s, at_most=1000, where=strange)
    return Firing(
        when=strange.col & (often.col >= p.frames_min),
        memories=(often,),
        values={
            "source": SOURCE_ADDRESS,
            "target": DESTINATION_ADDRESS,
            "speed": (byte(1) + 256 * byte(2)) * 0.125,
            "torque": byte(3) - 125,
            "often": often.col,
            "window": pl.lit(p.window_s),
        },
        trail=(Recent(IDENTIFIER, seconds=p.window_s, at_most=50, where=strange),),
    )


_ENGINE = frames(every(0.02, 0, 12), 0x0CF00400, extended=True)
_LIMIT, _RACE = bytes.fromhex("EBFFFA82FFF4FFFF"), bytes.fromhex("C97070DDFFF0FFFF")

DETECTOR = Detector(
    id="j1939_command",
    version=1,
    threat=its_vehicle.ITS_18,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel", "can_id"),
    episode_s=60.0,
    says="source address {source} on {channel} of {vehicle} commands control unit {target}: {speed} rpm, torque {torque} %",
    observed="{often} commands in {window} s from source address {source}: {speed} rpm, torque {torque} %",
    expected="commands only from the control units that do so as a rule",
    runbook=(
        "Ask the driver to stop when it is safe; the engine may race or lose its torque.",
        "Look for added devices at the bus; read which control unit claims the source address.",
        "List the control units that may command the engine in the site file (can.engine_commanders).",
    ),
    tolerance="a late frame counts at the clock of its identifier",
    examples=(
        fires_on(
            "an address that sends brake data begins to command 3598 rpm",
            merged(
                _ENGINE,
                frames(every(0.1, 0, 12), 0x18F0010B, extended=True),
                frames(every(0.01, 8, 9), 0x0C00000B, _RACE, extended=True),
            ),
        ),
        fires_on(
            "an unlisted address sets limits",
            frames(every(0.01, 1, 2), 0x0C00000B, _LIMIT, extended=True),
            site={"can": {"engine_commanders": [3]}},
        ),
        quiet_on(
            "a transmission limits the torque while it shifts",
            merged(_ENGINE, frames(every(0.01, 8, 9), 0x0C000003, _LIMIT, extended=True)),
        ),
        quiet_on(
            "a control unit that commands from the beginning",
            merged(_ENGINE, frames(every(0.01, 1, 12), 0x0C00000B, _RACE, extended=True)),
        ),
    ),
)
