"""Requests to the back-end of a vehicle fleet, and attacks on it.

Holders with a car or two, some on a journey, a depot in the morning, an insurer that reads, a recall under an order, somebody who
mistypes a number. Attacks: one token that unlocks many vehicles, those of others, or takes out their data.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario
from ingest.lab.vehicle_fleet import HOUR_S, by_time, injected, record
from ingest.source import Record
from schemas.records import FLEET_REQUEST


def _holder(rng: random.Random, n: int, start: int, seconds: float) -> Iterator[Record]:
    """Looks at the car and gives it a command now and then; some are on a journey."""
    cars = [f"v{n:03d}"] + ([f"v{n + 60:03d}"] if n % 5 == 0 else [])
    own = {"account": f"app-{n:03d}", "owned": True}
    abroad = rng.uniform(0, seconds) if n % 9 == 0 else seconds
    at = rng.expovariate(1 / 900.0)
    while at < seconds:
        host = {"host": f"198.51.{n % 50}.{rng.randrange(1, 4)}", "country": "DE" if at < abroad else "AT"}
        yield record(
            FLEET_REQUEST,
            start,
            at,
            **own,
            **host,
            action="log_on",
            result="done" if rng.random() < 0.97 else "refused",
        )
        for _ in range(rng.randrange(1, 5)):
            at += rng.uniform(2, 40)
            action = rng.choices(
                ("read", "climate", "lock", "unlock", "charge_stop", "signal"), (60, 12, 10, 10, 4, 4)
            )[0]
            if at < abroad or at > abroad + HOUR_S or action == "read":
                result = rng.choices(("done", "failed"), (95, 5))[0]
                yield record(
                    FLEET_REQUEST,
                    start,
                    at,
                    **own,
                    **host,
                    vehicle=rng.choice(cars),
                    action=action,
                    result=result,
                    records=1,
                )
        at += rng.expovariate(1 / 3600.0)


def requests(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """Holders, a depot, an insurer, a recall; somebody who mistypes the number of a car."""
    out = [r for n in range(60) for r in _holder(rng, n, start, seconds)]
    for hour in range(0, int(seconds // HOUR_S) + 1, 6):
        at = hour * HOUR_S + rng.uniform(0, 600)
        for n in range(40):
            depot = {"account": "depot", "host": "203.0.113.7", "country": "DE", "vehicle": f"d{n:03d}", "owned": True}
            out.append(record(FLEET_REQUEST, start, at + 9 * n, **depot, action="start", result="done"))
            out.append(record(FLEET_REQUEST, start, at + 9 * n + 2, **depot, action="read", result="done", records=5))
    for n in range(80):
        recall = {"account": "maker", "host": "203.0.113.9", "country": "DE", "work_order": "R17", "owned": True}
        out.append(
            record(
                FLEET_REQUEST, start, 2000.0 + 3 * n, **recall, vehicle=f"v{n:03d}", action="configure", result="done"
            )
        )
    insurer = {"account": "insurer", "host": "203.0.113.11", "country": "DE", "owned": True}
    for n in range(45):
        out.append(
            record(
                FLEET_REQUEST,
                start,
                4000.0 + 2 * n,
                **insurer,
                vehicle=f"v{n:03d}",
                action="read",
                result="done",
                records=200,
            )
        )
    for _ in range(3):
        holder = {"account": "app-007", "host": "198.51.7.1", "country": "DE", "owned": False}
        out.append(
            record(
                FLEET_REQUEST, start, rng.uniform(0, seconds), **holder, vehicle="v999", action="read", result="refused"
            )
        )
    return by_time(out, start + round(seconds * 1e6))


@dataclass(frozen=True)
class Unlock:
    vehicles: int = 80
    seconds: float = 180.0
    action: str = "unlock"
    owned: bool | None = None
    records: int | None = None


def unlock(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """One token acts on many vehicles, one after the other."""
    begin, account = rng.uniform(2400, 4800), f"app-{rng.randrange(60):03d}"
    own = {"account": account, "host": "192.0.2.66", "country": "DE", "action": p.action, "owned": p.owned}
    forged = [
        record(
            FLEET_REQUEST,
            start,
            begin + i * p.seconds / p.vehicles,
            **own,
            vehicle=f"v{i:03d}",
            result="done",
            records=p.records,
        )
        for i in range(p.vehicles)
    ]
    return injected(records, forged, start, begin, begin + p.seconds, account)


@dataclass(frozen=True)
class Export(Unlock):
    vehicles: int = 400
    seconds: float = 1800.0
    action: str = "read"
    records: int | None = 500


@dataclass(frozen=True)
class Foreign(Unlock):
    vehicles: int = 3
    owned: bool | None = False


REQUESTS: Final = Quiet(
    "fleet_requests",
    "60 holders, a depot, an insurer and a recall",
    requests,
    64,
    {"vehicles": {"accounts": [{"account": "depot", "vehicles": 50}]}},
)
QUIET: Final = (REQUESTS,)
SCENARIOS: Final = tuple(
    Scenario(name, "ITS-25", says, REQUESTS, 2 * HOUR_S, unlock, params)
    for name, says, params in (
        ("fleet_unlocked", "one token unlocks 80 vehicles in three minutes", Unlock),
        ("fleet_foreign", "a token unlocks three vehicles on which it has no rights", Foreign),
        ("fleet_exported", "an account reads 400 vehicles in half an hour", Export),
    )
)
