"""IEC 60870-5-104 between two control centres and three stations: a process, what is told of it, and connections that carry it.

A process makes events (measured values, switching, protection, disturbances); connections come and go, are started, interrogated and
numbered; what happens while a line is down is told afterwards with its old time tag.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from ingest.source import Record
from schemas.records import IEC104

SITE: Final = "lab"
MAIN, BACKUP = "10.10.0.10", "10.10.0.11"
STATIONS: Final = ("10.10.1.21", "10.10.1.22", "10.10.1.23")
PORT: Final = 2404
BAYS: Final = range(1, 5)
RATED_A: Final = 600.0
#: Objects of a bay are these plus its number.
STATE, PROTECTION, CURRENT, COMMAND = 100, 300, 700, 4000
SETPOINT, LIMITS, MEASURED, FILE = 5001, (0.0, 120.0), range(711, 714), 100
#: An APDU is acknowledged after this many.
W: Final = 8


def station_address(station: str) -> int:
    """Common address of a station."""
    return STATIONS.index(station) + 1


def facts() -> dict[str, Any]:
    """What a site file says of it."""
    commands = [
        {
            "source": master,
            "common_address": station_address(station),
            "object_address": COMMAND + bay,
            "type_id": 46,
            "select_before_operate": True,
        }
        for master in (MAIN, BACKUP)
        for station in STATIONS
        for bay in BAYS
    ]
    commands += [
        {
            "source": master,
            "common_address": station_address(station),
            "object_address": SETPOINT,
            "type_id": 50,
            "low": LIMITS[0],
            "high": LIMITS[1],
        }
        for master in (MAIN, BACKUP)
        for station in STATIONS
    ]
    switches = [
        {
            "outstation": station,
            "common_address": station_address(station),
            "state": STATE + bay,
            "commands": [COMMAND + bay],
            "protection": [PROTECTION + bay],
            "currents": [CURRENT + bay],
            "rated_a": RATED_A,
        }
        for station in STATIONS
        for bay in BAYS
    ]
    files = [{"master": m, "outstation": s, "objects": [FILE]} for m in (MAIN, BACKUP) for s in STATIONS]
    return {
        "iec104": {
            "masters": [MAIN, BACKUP],
            "outstations": list(STATIONS),
            "commands": commands,
            "switches": switches,
            "files": files,
        }
    }


@dataclass
class Connection:
    """A TCP connection; counts what each side has sent and what was acknowledged."""

    master: str
    port: int
    station: str
    sent: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    acknowledged: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})


@dataclass(frozen=True)
class Apdu:
    """One APDU before it is numbered: `control` of a U-frame, or the objects of an I-frame.

    Args:
        time: microseconds.
        upward: from the station to the control centre.
    """

    time: int
    connection: Connection
    upward: bool
    objects: tuple[dict[str, Any], ...] = ()
    control: str | None = None


def numbered(apdus: Iterable[Apdu]) -> list[Record]:
    """The records of APDUs with their numbers, and the S-frames that acknowledge them, by time."""
    records: list[Record] = []
    for apdu in sorted(apdus, key=lambda a: a.time):
        link, up = apdu.connection, apdu.upward
        if apdu.control is not None:
            records.append(_record(apdu.time, link, up, format="U", control=apdu.control))
            continue
        numbers = {"send_number": link.sent[up] % 32_768, "receive_number": link.sent[not up] % 32_768}
        link.sent[up] += 1
        link.acknowledged[not up] = link.sent[not up]
        records += [_record(apdu.time, link, up, format="I", **numbers, **one) for one in apdu.objects]
        if link.sent[up] - link.acknowledged[up] >= W:
            link.acknowledged[up] = link.sent[up]
            number = link.sent[up] % 32_768
            records.append(_record(apdu.time + 1_000, link, not up, format="S", receive_number=number))
    records.sort(key=lambda record: record.fields["time"])
    return records


def _record(time: int, link: Connection, upward: bool, **fields: Any) -> Record:
    station, master = (link.station, PORT), (link.master, link.port)
    source, destination = (station, master) if upward else (master, station)
    ends = {
        "source": source[0],
        "source_port": source[1],
        "destination": destination[0],
        "destination_port": destination[1],
    }
    return Record(IEC104, {"time": time, "site": SITE, **ends, **fields})


def asdu(station: str, type_id: int, cause: int, address: int, value: float | None, **more: Any) -> dict[str, Any]:
    """One object of an I-frame."""
    body = {"type_id": type_id, "cause": cause, "common_address": station_address(station), "object_address": address}
    return {**body, "negative": False, "test": False, "originator": 0, "value": value, **more}


def start(time: int, link: Connection, closed: dict[int, bool], rng: random.Random) -> list[Apdu]:
    """Start of data transfer, interrogation with its answers, clock synchronisation.

    Args:
        time: when, microseconds.
        link: a connection.
        closed: bay -> whether its breaker is closed.
        rng: source of chance.
    """
    at = [time + round(s * 1e6) for s in (0.0, 0.05, 0.3, 0.4, 0.6, 0.9, 1.4, 1.5)]
    station = link.station
    states = [asdu(station, 3, 20, STATE + bay, 2.0 if closed[bay] else 1.0, quality="") for bay in BAYS]
    return [
        Apdu(at[0], link, False, control="STARTDT act"),
        Apdu(at[1], link, True, control="STARTDT con"),
        Apdu(at[2], link, False, (asdu(station, 100, 6, 0, None, qualifier=20),)),
        Apdu(at[3], link, True, (asdu(station, 100, 7, 0, None, qualifier=20),)),
        Apdu(at[4], link, True, tuple(states)),
        Apdu(at[5], link, True, (asdu(station, 100, 10, 0, None, qualifier=20),)),
        Apdu(at[6], link, False, (asdu(station, 103, 6, 0, None),)),
        Apdu(at[7] + rng.randrange(50_000), link, True, (asdu(station, 103, 7, 0, None),)),
    ]


def tests(first: int, last: int, link: Connection, every_s: float = 20.0) -> list[Apdu]:
    """Test frames of a connection that carries nothing else, each answered."""
    times = range(first, last, round(every_s * 1e6))
    acts = [Apdu(t, link, False, control="TESTFR act") for t in times]
    return acts + [Apdu(a.time + 40_000, link, True, control="TESTFR con") for a in acts]
