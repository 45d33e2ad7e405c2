"""Data of a CAN identifier that another sender makes up while the timing stays: a frozen signal, or a broken counter.

A signal is frozen when one of the first eight bytes kept changing, then stays the same inside its range eight times as long as
ever before there and for two seconds at least, while the rest of the frame goes on at its pace. Signals also rest because the vehicle
stops, changes gear or coasts; then several identifiers settle at once: with more than `settling_max` of them nothing fires. An alive
counter that breaks its sequence three times within ten frames fires too, where no other counter of the frame goes on. All is
learned per identifier from the stream.

Blind spot: an attack before a byte changed 25 times in 50 frames over 5 seconds; a constant at an end of the range that was seen;
a signal alone in its frame, or of single steps; forged values that move, with their counter; bytes after the eighth; clock skew.
Source: threat ITS-19 of the catalogue; ITU-T X.1375 clauses 7.3 and 8.2; CrySyS data set of fabrication and masquerade attacks
(Sci Data 10, 903).
"""

from dataclasses import dataclass

import polars as pl

from detectors.can_bus import BUS, IDENTIFIER, every, flagged, frames, merged, payload
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, DistinctWithin, Last, Recent
from detectors.memory.payload import BEGUN, FRESH, MISCOUNTS, PAUSES, SETTLES, STUCK
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import CAN_FRAME


@dataclass(frozen=True)
class Params:
    ratio: int = 8  # times as long as ever before without a change
    stuck_s: float = 2.0  # and this long at least
    settling_max: int = 2  # identifiers of the bus with a byte that just came to rest, the frozen one included


def build(p: Params, site: Site) -> Firing:
    data = payload(ratio=p.ratio, stuck_s=p.stuck_s)
    words = f"{p.ratio}, {p.stuck_s:g}s"
    settles = Derived(f"settles {words}", flagged(data, SETTLES), (data,))
    settling = DistinctWithin(BUS, seconds=1.0, at_most=50, value="can_id", where=settles)
    # Decided while the byte has not stood for long: the others that came to rest with it are still told as such.
    alone = Derived(
        f"freezes alone {words}, {p.settling_max}",
        flagged(data, STUCK) & flagged(data, FRESH) & (settling.col <= p.settling_max),
        (data, settling),
    )
    begun = Derived(f"frozen since {words}", data.col // 2**BEGUN, (data,))
    decided = Last(IDENTIFIER, begun, where=alone)
    frozen = alone.col | (flagged(data, STUCK) & (begun.col == decided.col).fill_null(False))
    pauses = Derived(f"pauses {words}", flagged(data, PAUSES), (data,))
    what = (
        pl.when(frozen)
        .then(pl.lit("a byte that kept changing is frozen"))
        .otherwise(pl.lit("the alive counter breaks its sequence"))
    )
    return Firing(
        when=frozen | flagged(data, MISCOUNTS),
        memories=(data, settling, decided),
        values={"what": what, "hex": pl.col("data").bin.slice(0, 8).bin.encode("hex")},
        trail=(Recent(IDENTIFIER, seconds=30.0, at_most=256, where=pauses),),
    )


def _speed(number: int, noise: int = 1) -> list[bytes]:
    return [
        bytes((0, 14, (205 + noise * ((i * 7919) % 31 - 15)) % 256, i * 3 // 4 % 256, 0, 0, 0, 0))
        for i in range(number)
    ]


_FORGED = [d[:2] + b"\xcd" + d[3:] for d in _speed(40)]
_STANDS = [d[:2] + b"\0" + d[3:] for d in _speed(60)]
_DRIVEN = [bytes((max(0, i - 200) * 37 % 256, 0, 0, 0, 0, 0, 0, i % 16)) for i in range(400)]
_COUNTED = [bytes((1, i * 37 % 256, 0, 0, 0, 0, 0, i % 16)) for i in range(400)]

DETECTOR = Detector(
    id="can_masquerade",
    version=2,
    threat=its_vehicle.ITS_19,
    record=CAN_FRAME,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("bus", "channel"),
    dedup=("vehicle", "channel", "can_id"),
    episode_s=60.0,
    says="identifier {can_id} on {channel} of {vehicle}: {what}",
    observed="{what}; data {hex}",
    expected="data that go on as they did since the bus was first seen",
    runbook=(
        "Degrade the functions that use the identifier; warn the driver.",
        "Compare the signal with others that carry the same quantity; keep a trace of a minute.",
        "Look for a control unit that was silenced just before (bus-off, suspension); plan its replacement or re-flash.",
    ),
    tolerance="a late frame is passed over; single lost frames break no sequence",
    examples=(
        fires_on(
            "the low byte of the speed stays the same for four seconds, the distance goes on",
            frames(every(0.1, 0, 16), 0x410, [*_speed(100), *_FORGED, *_speed(20)]),
        ),
        fires_on(
            "the same after a standstill, which is no measure of a drive",
            frames(every(0.1, 0, 22), 0x410, [*_STANDS, *_speed(100), *_FORGED, *_speed(20)]),
        ),
        fires_on(
            "another sender does not know the counter",
            frames(every(0.01, 0, 4.2), 0x1A0, [*_COUNTED, *[d[:7] + b"\x05" for d in _COUNTED[:20]]]),
        ),
        quiet_on(
            "the vehicle stops: three identifiers come to rest",
            merged(
                *(
                    frames(every(0.1, 0, 18), can_id, [*_speed(100), *_FORGED, *_FORGED])
                    for can_id in (0x410, 0x420, 0x430)
                )
            ),
        ),
        quiet_on(
            "a signal that rests at its lowest value",
            frames(every(0.1, 0, 16), 0x410, [*_speed(100), *[d[:2] + b"\xbe" + d[3:] for d in _FORGED], *_speed(20)]),
        ),
        quiet_on(
            "a checksum that counted while the data stood still",
            frames(every(0.01, 0, 4), 0x1A0, [d[:6] + bytes((sum(d) % 16 << 4, d[7])) for d in _DRIVEN]),
        ),
        quiet_on(
            "lost frames break the counter now and then",
            [f for i, f in enumerate(frames(every(0.01, 0, 4), 0x1A0, _COUNTED)) if i % 50],
        ),
    ),
)
