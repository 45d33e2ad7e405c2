"""Requests for content keys: families, zapping, new addresses, expired subscriptions; shared accounts, clones, harvests, searches."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import KEY_REQUEST

ACCOUNTS: Final = 150
SERVICES: Final = 120
#: Places that addresses are said to be at: latitude and longitude, degrees.
TOWNS: Final = ((48.1, 11.6), (53.5, 10.0), (52.5, 13.4), (50.9, 6.9), (51.3, 12.4))


def request(
    time: int, account: int, device: str, client: str, service: int, result: str, place: Sequence[float] | None
) -> Record:
    """One request."""
    latitude, longitude = place or (None, None)
    fields = {"time": time, "key_server": "ks-1", "account": f"a-{account:04d}", "device": device, "client": client}
    fields |= {"service": f"ch-{service}", "result": result, "latitude": latitude, "longitude": longitude}
    return Record(KEY_REQUEST, fields)


@dataclass
class _Device:
    """A player of a household: its name, the home's addresses and town, and what the account has bought."""

    account: int
    name: str
    phone: bool
    homes: tuple[str, str, str]  # by IPv4, by IPv4 after it was renumbered, by IPv6
    renumbered_s: float
    town: tuple[float, float]
    bought: float  # share of the services, from the first one
    expired: bool

    def evening(self, rng: random.Random, start: int, seconds: float) -> Iterator[Record]:
        """Its requests: renewals, other channels, zapping; a phone is now at home and now in a mobile network."""
        at = rng.uniform(0, seconds)
        end = min(seconds, at + rng.expovariate(1 / 4000))
        away, mobile, gateway = rng.random() < 0.3, 1, self.town
        service = rng.randrange(SERVICES)
        zaps, gap_s = 0, 0.0
        while at < end:
            if rng.random() < gap_s / 1500:
                away, mobile, gateway = not away, rng.randrange(1, 255), rng.choice(TOWNS)
            if self.phone and away:
                client, place = f"203.0.113.{mobile}", gateway  # the operator's gateway, in whatever town it is
            else:
                client, place = self.homes[2 if rng.random() < 0.4 else int(at > self.renumbered_s)], self.town
            result = "denied" if self.expired or service >= self.bought * SERVICES else "granted"
            known = None if rng.random() < 0.05 else place
            yield request(start + round(at * 1e6), self.account, self.name, client, service, result, known)
            if self.expired:
                gap_s = 30.0  # tries again and again
            elif zaps:
                zaps, gap_s, service = zaps - 1, rng.uniform(0.8, 3.0), (service + 1) % SERVICES
            else:
                gap_s = rng.uniform(60, 600)
                zaps = rng.randrange(5, 70) if rng.random() < 0.04 else 0
                service = rng.randrange(SERVICES) if rng.random() < 0.3 else service
            at += gap_s


def _devices(rng: random.Random, account: int, seconds: float) -> list[_Device]:
    net = f"100.{64 + account % 60}"
    homes = (f"{net}.{rng.randrange(256)}.9", f"{net}.{rng.randrange(256)}.9", f"2001:db8:{account:x}::9")
    renumbered_s, town = rng.uniform(0, 3 * seconds), rng.choice(TOWNS)
    bought, expired = rng.uniform(0.85, 1.0), rng.random() < 0.03
    return [
        _Device(account, f"dev-{account}-{n}", n > 1, homes, renumbered_s, town, bought, expired)
        for n in range(rng.choice((1, 1, 2, 2, 3, 4, 5)))
    ]


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """An evening of a key server.

    Boxes renew keys and zap, now and then to a channel that is not bought; phones come from home, from a mobile network that
    gives them another address and town each time, and from offices; homes get new addresses; some subscriptions ran out.
    """
    records: list[Record] = []
    for account in range(ACCOUNTS):
        for device in _devices(rng, account, seconds):
            records += device.evening(rng, start, seconds)
    records.sort(key=lambda record: record.fields["time"])
    return [record for record in records if record.fields["time"] < start + seconds * 1e6]


KEYS: Final = Quiet("iptv_keys", "a key server of 150 households in the evening", quiet, ACCOUNTS)


@dataclass(frozen=True)
class Sharing:
    devices: int = 12
    networks: int = 8
    seconds: float = 3600.0


def sharing(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """An account is used by many devices in many networks."""
    begin, account = start + round(600e6), rng.randrange(ACCOUNTS)
    forged = [
        request(
            begin + round((n / p.devices + i / 20) * p.seconds * 0.5 * 1e6),
            account,
            f"shared-{n}",
            f"192.0.{n % p.networks}.7",
            rng.randrange(SERVICES // 2),
            "granted",
            None,
        )
        for n in range(p.devices)
        for i in range(20)
    ]
    both, attack = merged(records, sorted(forged, key=lambda r: r.fields["time"]))
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({f"a-{account:04d}"}), attack)


@dataclass(frozen=True)
class Clone:
    requests: int = 12
    every_s: float = 240.0


def clone(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A box is cloned, and both go on in towns far apart."""
    begin, account = start + round(600e6), rng.randrange(ACCOUNTS)
    name = f"dev-{account}-0"
    forged = [
        request(
            begin + round((i + 0.5 * n + 0.1 * rng.random()) * p.every_s * 1e6),
            account,
            name,
            f"192.0.2.{n + 1}",
            rng.randrange(SERVICES // 2),
            "granted",
            TOWNS[n],
        )
        for i in range(p.requests)
        for n in range(2)
    ]
    both, attack = merged(records, sorted(forged, key=lambda r: r.fields["time"]))
    end = begin + round(p.requests * p.every_s * 1e6)
    return Injected(both, begin, end, frozenset({name, f"a-{account:04d}"}), attack)


@dataclass(frozen=True)
class Harvest:
    requests: int = 400
    every_s: float = 1.5
    denied: float = 0.0  # share


def harvest(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A device asks for the keys of all services in turn."""
    begin, account = start + round(600e6), rng.randrange(ACCOUNTS)
    name = f"dev-{account}-0"
    forged = [
        request(
            begin + round(i * p.every_s * 1e6),
            account,
            name,
            "192.0.2.9",
            i % SERVICES,
            "denied" if rng.random() < p.denied else "granted",
            None,
        )
        for i in range(p.requests)
    ]
    both, attack = merged(records, forged)
    return Injected(
        both, begin, begin + round(p.requests * p.every_s * 1e6), frozenset({name, f"a-{account:04d}"}), attack
    )


@dataclass(frozen=True)
class Search(Harvest):
    requests: int = 60
    every_s: float = 8.0
    denied: float = 0.8


QUIET: Final = (KEYS,)
SCENARIOS: Final = (
    Scenario(
        "iptv_shared_account",
        "TV-02",
        "an account used by 12 devices in 8 networks within an hour",
        KEYS,
        5400.0,
        sharing,
        Sharing,
    ),
    Scenario(
        "iptv_cloned_box",
        "TV-02",
        "a box and its clone in two towns, a request each in 4 minutes",
        KEYS,
        5400.0,
        clone,
        Clone,
    ),
    Scenario(
        "iptv_key_harvest", "TV-02", "400 keys asked for in 10 minutes by one box", KEYS, 3600.0, harvest, Harvest
    ),
    Scenario(
        "iptv_key_search",
        "TV-02",
        "60 services asked for in 8 minutes, most of them not bought",
        KEYS,
        3600.0,
        harvest,
        Search,
    ),
)
