"""Television channels in multicast groups: encoders, stand-ins and probes; a second source, a replaced and a disturbed stream."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest.lab.scenarios.scenario import Injected, Quiet, Scenario, merged
from ingest.source import Record
from schemas.records import MULTICAST_FLOW, TS_MONITOR

HEADEND: Final = "headend-1"
CHANNELS: Final = 16
#: Channels with two encoders that send all the time.
TWICE: Final = 3
INTERVAL_S: Final = 20.0
PIDS: Final = (256, 257)


def group(number: int) -> str:
    """Group address of a channel."""
    return f"239.1.1.{number + 1}"


def encoder(number: int, stand_in: bool = False) -> str:
    """Address of a channel's encoder, or of its stand-in."""
    return f"10.9.{1 if stand_in else 0}.{number + 1}"


def flow(time: int, channel: int, source: str, packets: int) -> Record:
    """What one source sent to one group in an interval."""
    fields = {"time": time, "headend": HEADEND, "group": group(channel), "source": source}
    return Record(MULTICAST_FLOW, {**fields, "interval_s": INTERVAL_S, "packets": packets, "bytes": packets * 1316})


@dataclass
class _Stream:
    """A channel as its probe sees it."""

    channel: int
    packets: float
    protected: bool
    pat: int
    pmt: int
    key: int = 2


def report(time: int, stream: _Stream, pid: int, errors: int, scrambling: int) -> Record:
    """One report of a probe."""
    fields = {"time": time, "headend": HEADEND, "group": group(stream.channel), "pid": pid, "interval_s": INTERVAL_S}
    fields |= {"continuity_errors": errors, "pat_version": stream.pat, "pmt_version": stream.pmt}
    return Record(TS_MONITOR, {**fields, "scrambling": scrambling})


def quiet(rng: random.Random, start: int, seconds: float) -> list[Record]:
    """A few hours of a head-end.

    Streams with two encoders, one whose encoder fails over to its stand-in, another that is restarted, audio tracks that
    come and go, keys that change, lost packets, and a cut of the line behind the head-end that breaks all channels.
    """
    streams = [
        _Stream(n, rng.uniform(2500, 9000), n % 3 == 0, rng.randrange(32), rng.randrange(32)) for n in range(CHANNELS)
    ]
    fails, over = rng.uniform(0.35, 0.6) * seconds, rng.randrange(TWICE, CHANNELS)
    overlap = rng.uniform(0, 30)
    restarts, restarted = rng.uniform(0.2, 0.9) * seconds, rng.randrange(TWICE, CHANNELS)
    cut = rng.uniform(0.1, 0.9) * seconds
    cut_s = rng.uniform(20, 120)
    records: list[Record] = []
    at = 0.0
    while (at := at + INTERVAL_S) < seconds:
        lost = cut <= at < cut + cut_s
        for stream in streams:
            n = stream.channel
            time = start + round((at + n / CHANNELS + rng.uniform(0, 0.3)) * 1e6)
            sources = [encoder(n)] if n != over or at < fails + overlap else []
            sources += [encoder(n, True)] if n < TWICE or (n == over and at >= fails) else []
            packets = stream.packets * INTERVAL_S * rng.uniform(0.9, 1.1)
            records += [flow(time + 1000 * i, n, source, round(packets)) for i, source in enumerate(sources)]
            if rng.random() < INTERVAL_S / 5400:
                stream.pmt = (stream.pmt + 1) % 32
            again = n == restarted and restarts <= at < restarts + INTERVAL_S
            if again:
                stream.pat, stream.pmt = 0, 0
            if rng.random() < 0.3:
                stream.key = 5 - stream.key
            for pid in PIDS:
                errors = (
                    rng.randrange(200, 2000) if lost or again else rng.choices((0, rng.randrange(1, 40)), (60, 1))[0]
                )
                # Now and then the probe looks while keys change and sees most packets in the clear.
                scrambling = stream.key if stream.protected and rng.random() > 0.002 else 0
                records.append(report(time + 5000 + pid, stream, pid, errors, scrambling))
    records.sort(key=lambda record: record.fields["time"])
    return records


SOURCES: Final = {group(n): [encoder(n), encoder(n, True)] for n in range(CHANNELS)}
KNOWN: Final = Quiet(
    "iptv_streams", "16 channels, their sources known", quiet, CHANNELS, {"iptv": {"sources": SOURCES}}
)
UNKNOWN: Final = Quiet("iptv_streams_no_facts", "16 channels of which nothing is known", quiet, CHANNELS)


@dataclass(frozen=True)
class SecondSource:
    source: str = "10.66.0.1"
    mbit_s: float = 4.0
    seconds: float = 600.0


def second_source(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A host sends into a channel's group."""
    begin = start + round(rng.uniform(1000, 1200) * 1e6)
    channel = rng.randrange(CHANNELS)
    packets = round(p.mbit_s * 1e6 / 8 / 1316 * INTERVAL_S)
    forged = [
        flow(begin + round((i + 1) * INTERVAL_S * 1e6), channel, p.source, packets)
        for i in range(round(p.seconds / INTERVAL_S))
    ]
    both, attack = merged(records, forged)
    return Injected(both, begin, begin + round(p.seconds * 1e6), frozenset({p.source}), attack)


def _changed(
    records: list[Record], begin: int, end: int, channel: int, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Injected:
    """The reports of one channel changed."""
    attack = tuple(
        i
        for i, r in enumerate(records)
        if r.schema is TS_MONITOR and r.fields["group"] == group(channel) and begin <= r.fields["time"] < end
    )
    out = list(records)
    for i in attack:
        out[i] = Record(TS_MONITOR, {**out[i].fields, **change(out[i].fields)})
    return Injected(out, begin, end, frozenset({group(channel)}), attack)


@dataclass(frozen=True)
class Replaced:
    clear: bool = True
    tables: bool = True
    seconds: float = 600.0


def replaced(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """A protected channel is replaced by another stream, in the clear or with tables of its own."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    pat, pmt = rng.randrange(2, 32), rng.randrange(2, 32)
    channel = rng.choice([n for n in range(TWICE, CHANNELS) if n % 3 == 0])
    # Its tables are others than those that it replaces, and do not follow on them.
    now = {
        (r.fields["pat_version"], r.fields["pmt_version"])
        for r in records
        if r.fields.get("group") == group(channel) and r.schema is TS_MONITOR
    }
    while any((pat - a) % 32 < 2 or (pmt - m) % 32 < 2 for a, m in now):
        pat, pmt = rng.randrange(2, 32), rng.randrange(2, 32)
    change = ({"scrambling": 0} if p.clear else {}) | ({"pat_version": pat, "pmt_version": pmt} if p.tables else {})
    return _changed(records, begin, begin + round(p.seconds * 1e6), channel, lambda _: change)


@dataclass(frozen=True)
class Mixed:
    errors_per_s: float = 40.0
    seconds: float = 300.0


def mixed(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    """Packets of a second stream among those of a channel: the counters of both alternate."""
    begin = start + round(rng.uniform(900, 1800) * 1e6)
    channel = rng.randrange(CHANNELS)

    def change(_: dict[str, Any]) -> dict[str, Any]:
        return {"continuity_errors": round(p.errors_per_s * INTERVAL_S * rng.uniform(0.8, 1.2))}

    return _changed(records, begin, begin + round(p.seconds * 1e6), channel, change)


def _only_clear(records: list[Record], rng: random.Random, start: int, p: Any) -> Injected:
    return replaced(records, rng, start, replace(p, tables=False))


QUIET: Final = (KNOWN, UNKNOWN)
SCENARIOS: Final = (
    Scenario(
        "iptv_second_source",
        "TV-01",
        "4 Mbit/s into a group from a host that is not on its list",
        KNOWN,
        3600.0,
        second_source,
        SecondSource,
    ),
    Scenario(
        "iptv_second_source_no_facts",
        "TV-01",
        "the same where the site file lists no sources",
        UNKNOWN,
        3600.0,
        second_source,
        SecondSource,
    ),
    Scenario(
        "iptv_replaced",
        "TV-01",
        "a protected channel replaced by a clear stream with other tables",
        UNKNOWN,
        3600.0,
        replaced,
        Replaced,
    ),
    Scenario(
        "iptv_clear",
        "TV-01",
        "a protected channel sent in the clear, its tables kept",
        KNOWN,
        3600.0,
        _only_clear,
        Replaced,
    ),
    Scenario(
        "iptv_mixed",
        "TV-01",
        "a second stream mixed into a channel, 40 continuity errors a second",
        KNOWN,
        3600.0,
        mixed,
        Mixed,
    ),
)
