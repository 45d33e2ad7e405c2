"""MMS of a substation: a gateway and an operator's station with six devices; strangers, a scan, forged values, deleted files, disturbed
associations."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, an_hour, merged
from ingest.source import Record
from schemas.records import MMS

GATEWAY, OPERATOR, STRANGER = "10.5.0.1", "10.5.0.2", "10.5.0.66"
DEVICES: Final = tuple(f"10.5.1.{10 + n}" for n in range(6))


def message(
    time: float, client: str, device: str, port: int, pdu: str, *objects: str, back: bool = False, **fields: object
) -> Record:
    """One message, time in microseconds since 1970; `back` is sent by the device, `port` is the client's."""
    source, destination = (device, client) if back else (client, device)
    ports = {"source_port": 102, "destination_port": port} if back else {"source_port": port, "destination_port": 102}
    whole = {"time": round(time), "site": "north", "source": source, "destination": destination, **ports}
    return Record(MMS, {**whole, "pdu": pdu, "control": False, "objects": list(objects) or None, **fields})


def asked(
    rng: random.Random, time: float, client: str, device: str, port: int, service: str, *objects: str, **fields: Any
) -> Iterator[Record]:
    """A request and its response."""
    number, failures = round(time) // 1000 % 1_000_000, fields.pop("failures", 0)
    yield message(
        time, client, device, port, "confirmed_request", *objects, service=service, invoke_id=number, **fields
    )
    answer = {"service": service, "invoke_id": number, "failures": failures}
    yield message(time + rng.uniform(2e3, 4e4), client, device, port, "confirmed_response", back=True, **answer)


def _open(rng: random.Random, time: float, client: str, device: str, port: int) -> Iterator[Record]:
    """An association: names and attributes are asked for, reports switched on."""
    yield message(time, client, device, port, "initiate_request")
    yield message(time + 1e4, client, device, port, "initiate_response", back=True)
    for n in range(20):
        service = "getNameList" if n < 5 else "getVariableAccessAttributes"
        yield from asked(rng, time + 2e5 + n * 1e5, client, device, port, service, f"LD0/LLN0$DC$N{n}")
    for item in ("Resv", "DatSet", "RptEna", "GI"):
        yield from asked(rng, time + 3e6, client, device, port, "write", f"LD0/LLN0$RP$A_URCB01${item}")
        time += 2e5


def _session(rng: random.Random, client: str, device: str, start: int, seconds: float) -> Iterator[Record]:
    """A client's conversation with a device: reports, reads, controls, records fetched; ends, failures and new associations."""
    at = rng.uniform(0, 10)
    while at < seconds:
        port = rng.randrange(49_152, 65_536)
        yield from _open(rng, start + at * 1e6, client, device, port)
        at += 8
        end, read, control = at + rng.expovariate(1 / 6000), at + 15, at + rng.expovariate(1 / 3600)
        while at < min(end, seconds):
            time = start + at * 1e6
            if rng.random() < 0.9:
                name = rng.choice(("rpMeasurements", "rpStates"))
                yield message(time, client, device, port, "unconfirmed", name, back=True, service="informationReport")
            if at > read:
                read = at + 30
                failures = int(rng.random() < 0.03)
                service = "read" if client == GATEWAY else "getNameList"
                yield from asked(rng, time + 2e5, client, device, port, service, "LD0/MMXU1$MX$TotW", failures=failures)
            if at > control and client == GATEWAY:
                control = at + rng.expovariate(1 / 3600)
                for step in ("SBOw", "Oper"):
                    item = f"CTRL/CSWI1$CO$Pos${step}"
                    time += 5e5
                    yield from asked(rng, time, client, device, port, "write", item, control=True)
                for n, service in enumerate(("fileDirectory", "fileOpen", "fileRead", "fileRead", "fileClose")):
                    yield from asked(rng, time + 1e6 + n * 2e5, client, device, port, service, "COMTRADE/17.dat")
            at += rng.uniform(5, 20)
        if at >= seconds:
            return
        if rng.random() < 0.5:
            yield message(start + at * 1e6, client, device, port, "conclude_request")
            yield message(start + at * 1e6 + 2e4, client, device, port, "conclude_response", back=True)
            at += rng.uniform(1, 60)
        else:  # the device restarts and refuses for a while
            for n in range(rng.randrange(2, 9)):
                at += rng.choice((5.0, 10.0))
                again = 40_000 + n
                yield message(start + at * 1e6, client, device, again, "initiate_request")
                yield message(start + at * 1e6 + 2e4, client, device, again, "association_aborted", back=True)
            at += 10


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """All conversations, by time."""
    records = [
        r for device in DEVICES for client in (GATEWAY, OPERATOR) for r in _session(rng, client, device, start, seconds)
    ]
    return sorted((r for r in records if r.fields["time"] < start + seconds * 1e6), key=lambda r: r.fields["time"])


_FACTS: Final = {"mms": {"clients": [GATEWAY, OPERATOR], "controllers": [GATEWAY]}}
KNOWN: Final = Quiet("mms", "a gateway and an operator's station with six devices", quiet, len(DEVICES), _FACTS)
UNKNOWN: Final = Quiet("mms_no_facts", "MMS of which no site file tells", quiet, len(DEVICES))


@dataclass(frozen=True)
class Attack:
    after_s: float = 1800.0


def _connection(records: list[Record], rng: random.Random, begin: int) -> tuple[str, str, int, int]:
    """A conversation in use around `begin`: client, device, the client's port, and the time of a message of it."""
    near = [r.fields for r in records if r.fields["pdu"] == "unconfirmed" and begin <= r.fields["time"] < begin + 300e6]
    # Its association goes on for a while: the scenarios are about conversations that stay.
    last = {
        (f["destination"], f["destination_port"]): f["time"] for r in records if (f := r.fields)["pdu"] == "unconfirmed"
    }
    lasting = [f for f in near if last[f["destination"], f["destination_port"]] > f["time"] + 120e6]
    chosen = rng.choice(lasting)
    return chosen["destination"], chosen["source"], chosen["destination_port"], chosen["time"]


def _done(quiet: list[Record], forged: list[Record], *entities: str) -> Injected:
    forged.sort(key=lambda record: record.fields["time"])
    both, attack = merged(quiet, forged)
    return Injected(both, forged[0].fields["time"], forged[-1].fields["time"], frozenset(entities), attack)


def rogue(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A stranger associates with a device and browses it."""
    begin, device = start + p.after_s * 1e6, rng.choice(DEVICES)
    return _done(records, list(_open(rng, begin, STRANGER, device, 55_555)), STRANGER, device)


@dataclass(frozen=True)
class Written(Attack):
    item: str = "CTRL/CSWI1$CO$Pos$Oper"
    control: bool = True
    service: str = "write"
    times: int = 2


def write(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Somebody in the operator's station uses its conversations."""
    begin = start + round(p.after_s * 1e6)
    own = [r for r in records if OPERATOR in (r.fields["source"], r.fields["destination"])]
    client, device, port, time = _connection(own, rng, begin)
    forged = [
        r
        for n in range(p.times)
        for r in asked(rng, time + 3e5 + n * 2e6, client, device, port, p.service, p.item, control=p.control)
    ]
    return _done(records, forged, client, device)


@dataclass(frozen=True)
class Values(Written):
    item: str = "LD0/MMXU1$MX$TotW"
    control: bool = False


@dataclass(frozen=True)
class Deleted(Written):
    item: str = "COMTRADE/17.dat"
    control: bool = False
    service: str = "fileDelete"


@dataclass(frozen=True)
class Scan(Attack):
    requests: int = 30


def scan(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A conversation in use is associated again, then names and attributes are asked for."""
    client, device, port, time = _connection(records, rng, start + round(p.after_s * 1e6))
    forged = [message(time + 1e6, client, device, port, "initiate_request")]
    forged.append(message(time + 1.1e6, client, device, port, "initiate_response", back=True))
    for n in range(p.requests):
        forged += asked(rng, time + (2 + 2 * n) * 1e6, client, device, port, "getNameList", f"LD{n}/")
    return _done(records, forged, client, device)


@dataclass(frozen=True)
class Storm(Attack):
    associations: int = 300
    hz: float = 10.0


def storm(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A host opens associations until a device has none left."""
    begin, device = start + p.after_s * 1e6, rng.choice(DEVICES)
    forged = [
        message(begin + n / p.hz * 1e6, STRANGER, device, 30_000 + n, "initiate_request") for n in range(p.associations)
    ]
    return _done(records, forged, STRANGER, device)


@dataclass(frozen=True)
class Disturbed(Attack):
    pdu: str = "conclude_request"
    times: int = 3
    every_s: float = 20.0
    back: bool = False


def disturb(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Messages that end, refuse or cancel are put into a conversation."""
    client, device, port, time = _connection(records, rng, start + round(p.after_s * 1e6))
    forged = [
        message(time + (1 + p.every_s * n) * 1e6, client, device, port, p.pdu, back=p.back) for n in range(p.times)
    ]
    return _done(records, forged, client, device)


@dataclass(frozen=True)
class Refused(Disturbed):
    pdu: str = "initiate_error"
    back: bool = True


@dataclass(frozen=True)
class Cancelled(Disturbed):
    pdu: str = "cancel_request"
    times: int = 8
    every_s: float = 5.0


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = (
    an_hour("mms_rogue", "SG-17", "a stranger associates with a device and browses it", rogue, Attack, KNOWN),
    an_hour("mms_controls", "SG-18", "the operator's station, which may not, operates a breaker", write, Written, KNOWN),
    an_hour("mms_values", "SG-18", "measured values of a device are written", write, Values, UNKNOWN),
    an_hour("mms_deleted", "SG-18", "a disturbance record is deleted", write, Deleted, UNKNOWN),
    an_hour("mms_scan", "SG-19", "a conversation is associated again, 30 requests for names", scan, Scan, UNKNOWN),
    an_hour("mms_storm", "SG-23", "300 associations with one device, 10 a second", storm, Storm, UNKNOWN),
    an_hour("mms_concluded", "SG-23", "three forged conclude requests in a conversation that goes on", disturb, Disturbed, UNKNOWN),
    an_hour("mms_refused", "SG-23", "three forged initiate errors in a conversation", disturb, Refused, UNKNOWN),
    an_hour("mms_cancelled", "SG-23", "eight requests are cancelled within 40 s", disturb, Cancelled, UNKNOWN),
)  # fmt: skip
