"""A GOOSE message that does not continue its control block's stream: forged, replayed or from a second publisher.

Follows the trusted stream of each control block (IEC 61850-8-1 clause 18: a state change raises stNum by one, sets
sqNum to 0 and renews t; a repetition raises sqNum and changes nothing else). A message fires and is not trusted when

- publisher MAC, APPID, data set or configuration revision differ from the site file, or without one from the stream;
- the simulation or needs-commissioning flag is set, unless the site file says the publisher is in test;
- stNum jumps, or goes back (but stNum 1 with a later t is a restarted publisher); t goes back, or stays at a new stNum;
- sqNum is not 0 at a new stNum, or does not rise in an old one;
- values change while stNum does not, or stNum does and the values do not; t goes back.

The very same message twice (redundant networks) is no firing. A new state that changes no value fires with all its
messages, and its numbers are trusted: a man in the middle may have put the old values back. When the trusted stream was
silent for `silent_s`, the next message that fires begins a new one, so a reconfigured publisher is one alert.
What another MAC sends is an alert of its own beside what the publisher's sends, so that a fault of the publisher hides
no forger; all other MACs are one, so that made-up ones are no storm. Where neither the site file nor a trusted stream
says whose the control block is, all senders are "another", and one alert a minute is all they raise.

Blind spot: a publisher, or a man in the middle, that sends a perfectly continued stream with false values; the first
messages of a control block, without a site file. Loss in the tap can look like a jump. Source: threat SG-26 of the
catalogue.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from detectors.detector import Confidence, Detector, Step, StepFunction, fires_on, quiet_on
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Publisher, Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    silent_s: float = 60.0  # without a trusted message, until the next one begins a new trusted stream
    streams_max: int = 20_000  # control blocks remembered; the least recently heard is forgotten


class Stream(NamedTuple):
    """The last trusted message of a control block.

    Times are in microseconds, `values` is the CRC-32 of the data set; `hollow` says that its state changed no value.
    """

    source_mac: str
    appid: int
    dataset: str
    conf_rev: int | None
    st_num: int
    sq_num: int
    state_time: int | None
    values: int | None
    until: int
    hollow: bool


STATE: dict[str, pl.DataType] = {
    "site": pl.String(),
    "control_block": pl.String(),
    "source_mac": pl.String(),
    "appid": pl.Int32(),
    "dataset": pl.String(),
    "conf_rev": pl.Int64(),
    "st_num": pl.Int64(),
    "sq_num": pl.Int64(),
    "state_time": pl.Int64(),
    "values": pl.Int64(),
    "until": pl.Int64(),
    "hollow": pl.Boolean(),
}
#: stNum and sqNum wrap to 1 behind this (32 bits, unsigned).
LAST_NUMBER = 2**32 - 1
#: Resolution that the slowest clock of a publisher has, microseconds.
COARSE_US = 20_000
#: Longest pause within a burst of state changes, microseconds, and sqNum up to which a state is still one.
BURST_US, BURST_LENGTH = 200_000, 8
#: Who sent a message that fires: the control block's own publisher, or anybody else.
PUBLISHER, ANOTHER = "publisher", "another"
HOLLOW = "a new stNum with the values of the old state"


def judge(s: Stream, m: Stream) -> str:
    """Why message `m` does not continue stream `s`; "" where it does."""
    if m.source_mac != s.source_mac:
        return f"publisher {m.source_mac} instead of {s.source_mac}"
    if m.appid != s.appid or m.dataset != s.dataset:
        return f"APPID {m.appid} and data set {m.dataset} instead of {s.appid} and {s.dataset}"
    if m.conf_rev != s.conf_rev:
        return f"configuration revision {m.conf_rev} instead of {s.conf_rev}"
    timed = m.state_time is not None and s.state_time is not None
    later = timed and m.state_time > s.state_time  # type: ignore[operator]
    if m.st_num == s.st_num:
        if s.hollow and m.state_time == s.state_time:
            return HOLLOW if m.values == s.values else ""
        if m.state_time == s.state_time and m.values == s.values:
            return "" if m.sq_num >= s.sq_num or s.sq_num == LAST_NUMBER else f"sqNum {m.sq_num} after {s.sq_num}"
        if m.st_num == 1 and m.sq_num <= 1 and later:
            return ""  # restarted before its first change of state
        if m.values == s.values and later and m.sq_num > s.sq_num:
            return ""  # some publishers renew t with every repetition
        if later and m.sq_num == s.sq_num + 1 and m.until - s.until <= BURST_US:
            return ""  # and do not count states that follow at once; a second stream shows when the first goes on
        return "the values" if m.values != s.values else "the state time"
    if m.st_num == 1 and later:
        return "" if m.sq_num <= 1 else f"restart with sqNum {m.sq_num}"
    following = 1 if s.st_num == LAST_NUMBER else s.st_num + 1
    if m.st_num != following:
        return f"stNum {m.st_num} after {s.st_num}"
    if m.sq_num != 0:
        return f"new stNum {m.st_num} begins with sqNum {m.sq_num}"
    # The clocks of some publishers tick in 1/64 s: t may stay where states follow at once.
    at_once = m.state_time == s.state_time and m.until - s.until <= COARSE_US
    if timed and not later and not at_once:
        return f"new stNum {m.st_num} without a later state time"
    # Within a burst a value may have gone and come back between two messages.
    burst = m.until - s.until <= BURST_US and s.sq_num <= BURST_LENGTH
    return HOLLOW if m.values is not None and m.values == s.values and not (s.hollow or burst) else ""


def _configured(p: Publisher, m: Stream) -> str:
    if (m.source_mac, m.appid) != (p.source_mac, p.appid):
        return f"publisher {m.source_mac}, APPID {m.appid} instead of {p.source_mac}, {p.appid} of the site file"
    if p.conf_rev is not None and m.conf_rev != p.conf_rev:
        return f"configuration revision {m.conf_rev} instead of {p.conf_rev} of the site file"
    if p.dataset is not None and m.dataset != p.dataset:
        return f"data set {m.dataset} instead of {p.dataset} of the site file"
    return ""


def build(p: Params, site: Site) -> StepFunction:
    silent = int(p.silent_s * 1e6)
    known: Mapping[str, Publisher] | None = None
    if site.goose.publishers is not None:
        known = {publisher.control_block: publisher for publisher in site.goose.publishers}

    def flagged(block: str, m: Stream, test: bool) -> str:
        publisher = None if known is None else known.get(block)
        if known is not None and publisher is None:
            return "a control block that the site file does not list"
        if test and not (publisher and publisher.in_test):
            return "the simulation or needs-commissioning flag is set"
        return _configured(publisher, m) if publisher else ""

    def owner(block: str, s: Stream | None) -> str | None:
        publisher = None if known is None else known.get(block)
        return publisher.source_mac if publisher else s and s.source_mac

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        # One walk over the messages: a message's verdict hangs on which earlier ones were trusted. Order is recency.
        streams: dict[tuple[str, str], Stream] = {}
        if state is not None:
            streams = {(row[0], row[1]): Stream._make(row[2:]) for row in state.iter_rows()}
        rows: list[int] = []
        why: list[tuple[str, str]] = []
        for row, clock, place, block, test, values, *message in _messages(batch).iter_rows():
            digest = None if values is None else zlib.crc32(values.encode())
            m = Stream._make((*message, digest, clock + silent, False))
            key = (place, block)
            reason, s = flagged(block, m, test), streams.pop(key, None)
            # What the site file forbids is never trusted; a message that breaks the stream, once the stream is dead.
            trusted = not reason
            if trusted and s is not None:
                reason = judge(s, m)
                trusted = not reason or reason == HOLLOW or clock > s.until
                m = m._replace(hollow=reason == HOLLOW)
                if reason in ("the values", "the state time"):
                    reason = f"{reason} changed, stNum {m.st_num} did not"
            if reason:
                rows.append(row)
                why.append((reason, PUBLISHER if m.source_mac == owner(block, s) else ANOTHER))
            kept = m if trusted else s
            if kept is not None:
                streams[key] = kept
                if len(streams) > p.streams_max:
                    del streams[next(iter(streams))]
        table = pl.DataFrame([(*key, *s) for key, s in streams.items()], schema=STATE, orient="row")
        hits = pl.DataFrame(why, schema={"why": pl.String, "origin": pl.String}, orient="row")
        return table, hits.with_columns(pl.Series("_row", rows, dtype=pl.UInt32))

    return run


def _messages(batch: pl.DataFrame) -> pl.DataFrame:
    return batch.select(
        "_row",
        "_time",
        "site",
        "control_block",
        pl.col("simulation") | pl.col("needs_commissioning"),
        pl.col("values").list.join("\x1f"),
        "source_mac",
        "appid",
        "dataset",
        "conf_rev",
        "st_num",
        "sq_num",
        pl.col("state_time").dt.epoch("us"),
    )


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
_SITE = {
    "goose": {
        "publishers": [
            {"control_block": "B1/LLN0$GO$gcb1", "source_mac": "00-30-A7-00-00-01", "appid": 3, "conf_rev": 1}
        ]
    }
}

DETECTOR = Detector(
    id="goose_forged",
    version=2,
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
    entity_kind="control block",
    entity="control_block",
    source="source_mac",
    destination="destination_mac",
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
    needs=(),
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
