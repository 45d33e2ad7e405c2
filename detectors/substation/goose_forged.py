"""A GOOSE message that does not continue its control block's stream: forged, replayed or from a second publisher.

Follows the trusted stream of each control block (`detectors.goose_stream`). A message fires and is not trusted when

- publisher MAC, APPID, data set or configuration revision differ from the site file, or without one from the stream; but
  a higher revision after a restart is a changed configuration, which `goose_drift` tells;
- the simulation or needs-commissioning flag is set, unless the site file says the publisher is in test;
- stNum jumps, or goes back (but stNum 1 with a later t is a restarted publisher); t goes back, or stays at a new stNum;
- sqNum is neither 0 nor 1 at a new stNum, or does not rise in an old one;
- values change while stNum does not.

It fires and its numbers are trusted, for they may be the publisher's own with other values put in, when

- its new state changes no value: a man in the middle may have put the old ones back. Told for `hold_s` of the state;
- its state begins within `together_s` of one of a control block that the site file keeps `apart`. Told for `hold_s` too;
- its values are none of the publisher's `states` in the site file.

The very same message twice (redundant networks) is no firing. When the trusted stream was silent for `silent_s`, the next
message that fires begins a new one, so a reconfigured publisher is one alert. What another MAC sends is an alert of its
own beside what the publisher's sends, so that a fault of the publisher hides no forger; all other MACs are one, so that
made-up ones are no storm. Where neither the site file nor a trusted stream says whose the control block is, all senders
are "another", and one alert a minute is all they raise.

Blind spot: a publisher, or a man in the middle, that sends a perfectly continued stream with false values that the site
file allows; the first messages of a control block, without a site file. Loss in the tap can look like a jump. Source:
threat SG-26 of the catalogue; IEC 61850-8-1 clause 18.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
from detectors.facts.substation import Publisher
from detectors.goose_stream import HOLLOW, KEYED, Key, Run, Stream, digest, hollow, judge, reconfigured, runs
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    silent_s: float = 60.0  # without a trusted message, until the next one begins a new trusted stream
    hold_s: float = 30.0  # what an attacker wants to hide is over by then
    together_s: float = 0.5  # between the states of two control blocks
    streams_max: int = (
        20_000  # control blocks remembered: the least recently heard that is silent is forgotten, else the newest
    )


#: Who sent a message that fires: the control block's own publisher, or anybody else.
PUBLISHER, ANOTHER = "publisher", "another"
UNLISTED = "values that the site file does not list"


def build(p: Params, site: Site) -> StepFunction:
    silent, hold, near = (int(seconds * 1e6) for seconds in (p.silent_s, p.hold_s, p.together_s))
    publishers, apart = site.goose.publishers, site.goose.apart
    known = None if publishers is None else {publisher.control_block: publisher for publisher in publishers}
    states = {b: {digest("\x1f".join(s)) for s in q.states} for b, q in (known or {}).items() if q.states is not None}
    others = {b: sorted({o for g in apart if b in g for o in g if o != b}) for group in apart for b in group}

    def doubt(streams: Mapping[Key, Stream], key: Key, s: Stream, m: Stream) -> str:
        """Why a state that continues the numbers is told nevertheless."""
        if hollow(s, m):
            return HOLLOW
        for other in others.get(key[1], ()) if m.st_num != s.st_num else ():
            beside = streams.get((key[0], other))
            if beside and abs(m.time - beside.since) <= near:
                return f"acts together with {other}, which the site file keeps apart"
        return ""

    def follow(streams: Mapping[Key, Stream], key: Key, s: Stream | None, m: Stream) -> tuple[Stream | None, str]:
        """The stream with `m` as its last message, None where that is not trusted; and what is wrong with `m`."""
        if s is None:
            return m, ""
        if reason := judge(s, m):
            return (m if m.time > s.time + silent else None), reason
        if m.st_num == s.st_num and m.values == s.values:
            return m._replace(since=s.since, doubt=s.doubt), ""
        return m._replace(since=m.time, doubt=doubt(streams, key, s, m)), ""

    def walk(streams: Mapping[Key, Stream], one: Run, s: Stream | None) -> tuple[Stream | None, list[tuple[int, str]]]:
        """The stream behind a run, and what is wrong with its messages, by row."""
        block = one.key[1]
        if reason := forbidden(known, block, s, one.first, one.test):
            return s, [(row, reason) for row in one.rows]
        told: list[tuple[int, str]] = []
        unlisted = UNLISTED if block in states and one.first.values not in states[block] else ""
        for at, row in enumerate(one.rows):
            trusted, reason = follow(streams, one.key, s, one.message(at))
            if reason:
                told.append((row, reason))
            if trusted is not None:
                # The others repeat a message that is trusted.
                rest = zip(one.rows[at + bool(reason) :], one.time[at + bool(reason) :], strict=True)
                if unlisted or trusted.doubt:
                    told += [
                        (r, unlisted or trusted.doubt) for r, time in rest if unlisted or time - trusted.since <= hold
                    ]
                return trusted._replace(sq_num=one.sq_num[-1], time=one.time[-1]), told
        return s, told

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        # A walk over the runs: what is trusted hangs on what was. The streams stand in the order in which they were heard.
        table = pl.DataFrame(schema=KEYED) if state is None else state
        mine = batch.select("site", "control_block").unique()
        full = len(table) + len(mine) > p.streams_max
        # Only those that the batch speaks of, and those that they are compared with; where some must go, all of them.
        mine = mine.vstack(_beside(mine, others)).unique()
        busy = table if full else table.join(mine, on=("site", "control_block"), how="semi", maintain_order="left")
        streams: dict[Key, Stream] = {(row[0], row[1]): Stream._make(row[2:]) for row in busy.iter_rows()}
        heard: dict[Key, int] = {}
        hits: list[tuple[int, str, str]] = []
        for one in runs(batch, crowded=full):
            s = streams.pop(one.key, None)
            publisher = None if known is None else known.get(one.key[1])
            owner = publisher.source_mac if publisher else s and s.source_mac
            origin = PUBLISHER if one.first.source_mac == owner else ANOTHER
            kept, told = walk(streams, one, s)
            hits += [(row, reason, origin) for row, reason in told]
            if kept is not None:
                streams[one.key], heard[one.key] = kept, one.rows[-1]
                if len(streams) > p.streams_max:
                    # Made-up control blocks must not push out those that are alive.
                    oldest = next(iter(streams))
                    del streams[oldest if kept.time - streams[oldest].time > silent else one.key]
        latest = [k for k in sorted(heard, key=heard.__getitem__) if k in streams]
        last = pl.DataFrame([(*k, *streams[k]) for k in latest], schema=KEYED, orient="row")
        # Those that were not heard stay as they are, in their order; some of them may have gone.
        before = table.join(last, on=("site", "control_block"), how="anti", maintain_order="left")
        if full:
            there = pl.DataFrame(list(streams), schema=["site", "control_block"], orient="row")
            before = before.join(there, on=("site", "control_block"), how="semi", maintain_order="left")
        table = before.vstack(last)
        found = pl.DataFrame(hits, schema={"_row": pl.UInt32, "why": pl.String, "origin": pl.String}, orient="row")
        return table, found.sort("_row")

    return run


def _beside(blocks: pl.DataFrame, others: Mapping[str, list[str]]) -> pl.DataFrame:
    """The control blocks that some are kept apart from, at their sites."""
    apart = pl.col("control_block").replace_strict(others, default=None, return_dtype=pl.List(pl.String))
    return blocks.select("site", apart.alias("control_block")).explode("control_block").drop_nulls()


def forbidden(known: Mapping[str, Publisher] | None, block: str, s: Stream | None, m: Stream, test: bool) -> str:
    """Why the site file has no such message; "" where it may be one."""
    p = None if known is None else known.get(block)
    if known is not None and p is None:
        return "a control block that the site file does not list"
    if test and not (p and p.in_test):
        return "the simulation or needs-commissioning flag is set"
    if p and (m.source_mac, m.appid) != (p.source_mac, p.appid):
        return f"publisher {m.source_mac}, APPID {m.appid} instead of {p.source_mac}, {p.appid} of the site file"
    higher = p is not None and p.conf_rev is not None and (m.conf_rev or 0) > p.conf_rev
    if higher and (s is None or s.conf_rev == m.conf_rev or reconfigured(s, m)):
        return ""
    if p and p.conf_rev is not None and m.conf_rev != p.conf_rev:
        return f"configuration revision {m.conf_rev} instead of {p.conf_rev} of the site file"
    if p and p.dataset is not None and m.dataset != p.dataset:
        return f"data set {m.dataset} instead of {p.dataset} of the site file"
    return ""


def _goose(
    time: float, st_num: int, sq_num: int, state_time: float, values: str, **fields: object
) -> dict[str, object]:
    return {
        "time": time,
        "control_block": "B1/LLN0$GO$gcb1",
        "source_mac": "00:30:a7:00:00:01",
        "appid": 3,
        "dataset": "B1/LLN0$DS1",
        "conf_rev": 1,
        "st_num": st_num,
        "sq_num": sq_num,
        "state_time": state_time,
        "values": [values],
        **fields,
    }


_OTHER = {"source_mac": "00:0c:29:00:00:66"}
_CLOSED = [_goose(float(i), 4, 20 + i, -90.0, "closed") for i in range(10)]
_TRIP = [_goose(10.0 + 0.01 * i, 5, i, 10.0, "open") for i in range(5)]


def _known(**facts: object) -> dict[str, object]:
    publisher = {"control_block": "B1/LLN0$GO$gcb1", "source_mac": "00-30-A7-00-00-01", "appid": 3, "conf_rev": 1}
    return {"goose": {"publishers": [{**publisher, **facts}]}}


_SITE = _known()

DETECTOR = Detector(
    id="goose_forged",
    version=5,
    threat=smart_grid_substation.SG_26,
    record=GOOSE,
    kind=Step(
        build,
        columns=(
            "site",
            "control_block",
            "source_mac",
            "appid",
            "dataset",
            "conf_rev",
            "st_num",
            "sq_num",
            "state_time",
            "simulation",
            "needs_commissioning",
            "values",
        ),
        hits=("why", "origin"),
    ),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("control block", "control_block", source="source_mac", destination="destination_mac"),
    dedup=("control_block", "origin"),
    episode_s=60.0,
    says="{control_block}: {why}",
    observed="stNum {st_num}, sqNum {sq_num} from {source_mac}: {why}",
    expected="the stream of the control block's publisher, continued",
    runbook=(
        "Find out whether a breaker was tripped or a trip was blocked; make the bay safe first.",
        "Find the switch port of the source MAC and block it if it is not the publisher's.",
        "Compare the message with the SCD file; set receivers to refuse simulation and a wrong configuration revision.",
    ),
    tolerance="messages are judged in the order in which the tap saw them",
    examples=(
        fires_on(
            "another MAC sends a trip with a state number far ahead",
            [*_CLOSED, _goose(9.5, 9, 0, 9.5, "open", **_OTHER), _goose(10.0, 4, 30, -90.0, "closed")],
        ),
        fires_on(
            "the same MAC sends a second stream beside the first",
            [*_CLOSED[:5], *(_goose(4.1 + i, 4, i, -95.0, "open") for i in range(4)), *_CLOSED[5:]],
        ),
        fires_on("the values are changed on the way", [*_CLOSED, _goose(10.0, 4, 30, -90.0, "open")]),
        fires_on("an old state is replayed after a trip", [*_CLOSED, *_TRIP, *_CLOSED[3:5]]),
        fires_on(
            "a fault of the publisher, then in the same minute a forged trip: two alerts, however many MACs",
            [
                *_CLOSED,
                _goose(10.0, 4, 30, -90.0, "closed", simulation=True),
                *(_goose(11.0 + i, 9, i, 11.0, "open", source_mac=f"00:0c:29:00:00:{i:02x}") for i in range(20)),
                _goose(32.0, 4, 31, -90.0, "closed"),
            ],
            alerts=2,
        ),
        fires_on("the simulation flag is set", [*_CLOSED, _goose(10.0, 5, 0, 10.0, "open", simulation=True)]),
        fires_on(
            "a publisher that the site file does not know", [_goose(0.0, 1, 0, 0.0, "open", **_OTHER)], site=_SITE
        ),
        fires_on(
            "a trip with the old values in it: told for the time in which it matters",
            [*_CLOSED, *(_goose(10.0 + i, 5, i, 10.0, "closed") for i in range(40))],
        ),
        fires_on("values that are no state of the site file", [*_CLOSED, *_TRIP], site=_known(states=[["closed"]])),
        fires_on(
            "two bays that the site file keeps apart trip at once",
            [
                record
                for first, second in zip((*_CLOSED, *_TRIP), (*_CLOSED, *_TRIP), strict=True)
                for record in (first, {**second, "control_block": "B2/LLN0$GO$gcb1"})
            ],
            site={"goose": {"apart": [["B1/LLN0$GO$gcb1", "B2/LLN0$GO$gcb1"]]}},
        ),
        quiet_on(
            "the publisher was reconfigured: restarted, with a higher configuration revision and another data set",
            [*_CLOSED, *(_goose(70.0 + i, 1, i, 69.0, "closed", conf_rev=2, dataset="B1/LLN0$DS2") for i in range(3))],
            site=_SITE,
        ),
        fires_on(
            "a higher configuration revision without a restart",
            [*_CLOSED, _goose(10.0, 5, 0, 10.0, "open", conf_rev=2)],
        ),
        quiet_on("a trip to a state of the site file", [*_CLOSED, *_TRIP], site=_known(states=[["closed"], ["open"]])),
        quiet_on(
            "a trip, and every message heard twice", [m for m in (*_CLOSED, *_TRIP) for _ in range(2)], site=_SITE
        ),
        quiet_on(
            "lost repetitions, then the publisher restarts",
            [
                *_CLOSED[::3],
                _goose(12.0, 1, 0, 11.9, "closed"),
                _goose(12.1, 1, 1, 11.9, "closed"),
                _goose(13.0, 2, 0, 13.0, "open"),
            ],
        ),
    ),
)
