"""Whether a GOOSE message continues its control block's stream (IEC 61850-8-1 clause 18).

A state change raises stNum by one, sets sqNum to 0 and renews t; a repetition raises sqNum and changes nothing else. Times are in
microseconds.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from detectors.columns import filled
from detectors.grouping import Bools, number_keys, stable_order

#: stNum and sqNum wrap to 1 behind this (32 bits, unsigned).
LAST_NUMBER: Final = 2**32 - 1
#: Resolution that the slowest clock of a publisher has.
COARSE_US: Final = 20_000
#: Longest pause within a burst of state changes, and sqNum up to which a state is still one.
BURST_US, BURST_LENGTH = 200_000, 8
HOLLOW: Final = "a new stNum with the values of the old state"


class Stream(NamedTuple):
    """The last trusted message of a control block.

    Args:
        values: CRC-32 of the data set; None where the message has none.
        time: when it was seen.
        since: when the first message of its state was seen.
        doubt: why this state is told although its numbers are trusted; "" where nothing is wrong with it.
    """

    source_mac: str
    appid: int
    dataset: str
    conf_rev: int | None
    st_num: int
    sq_num: int
    state_time: int | None
    values: int | None
    time: int
    since: int
    doubt: str = ""


#: Site and control block.
Key = tuple[str, str]
#: A table of streams.
KEYED: Final[dict[str, pl.DataType]] = {
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
    "time": pl.Int64(),
    "since": pl.Int64(),
    "doubt": pl.String(),
}
#: What a repetition has as the message before it.
_SAME: Final = ("source_mac", "appid", "dataset", "conf_rev", "st_num", "state_time", "values", "test")


@dataclass(frozen=True)
class Run:
    """A message and those that merely repeat it: same in all but sqNum and time, which do not go back.

    Args:
        key: whose they are.
        rows: of the batch, in arrival order.
        sq_num, time: of each.
        first: the first message, as a stream would keep it.
        test: whether the simulation or needs-commissioning flag is set.
    """

    key: Key
    rows: Sequence[int]
    sq_num: Sequence[int]
    time: Sequence[int]
    first: Stream
    test: bool

    def message(self, at: int) -> Stream:
        """One of the messages."""
        return self.first._replace(sq_num=self.sq_num[at], time=self.time[at])


def runs(batch: pl.DataFrame, crowded: bool = False) -> Iterator[Run]:
    """The messages of a batch as runs, by the arrival of their first.

    Whoever trusts a message trusts those that repeat it, so in quiet traffic a run is all the messages of a control block, however many.

    Args:
        batch: the records.
        crowded: every message is a run of its own.
    """
    messages = _judged(batch)
    code, _ = number_keys(messages.select("site", "control_block"))
    order = stable_order(code, int(code.max(initial=0)) + 1)
    head = np.ones(len(order), dtype=np.bool_)
    if not crowded:
        head[1:] = (code[order][1:] != code[order][:-1]) | ~_repeats(messages[order])
    begins = np.flatnonzero(head)
    ends = np.append(begins[1:], len(order))
    sq_num, time = messages["sq_num"].to_numpy()[order].tolist(), messages["time"].to_numpy()[order].tolist()
    rows = order.tolist()
    for at in np.argsort(order[begins]).tolist():
        begin, end = int(begins[at]), int(ends[at])
        site, block, *body, values, seen, test = messages.row(rows[begin])
        first = Stream._make((*body, digest(values), seen, 0, ""))
        yield Run((site, block), rows[begin:end], sq_num[begin:end], time[begin:end], first, test)


def _judged(batch: pl.DataFrame) -> pl.DataFrame:
    return batch.select(
        "site",
        "control_block",
        "source_mac",
        "appid",
        "dataset",
        "conf_rev",
        "st_num",
        "sq_num",
        pl.col("state_time").dt.epoch("us"),
        pl.col("values").list.join("\x1f"),
        pl.col("_time").alias("time"),
        (pl.col("simulation") | pl.col("needs_commissioning")).alias("test"),
    )


def _repeats(messages: pl.DataFrame) -> Bools:
    """Whether each message but the first repeats the one before it."""
    earlier, later = messages[:-1], messages[1:]
    same = pl.all_horizontal(
        *(later[name].eq_missing(earlier[name]) for name in _SAME),
        later["sq_num"] >= earlier["sq_num"],
        later["time"] >= earlier["time"],
    )
    return filled(pl.select(same).to_series(), False).astype(np.bool_)


def digest(values: str | None) -> int | None:
    """What a stream keeps of the values, joined by unit separators."""
    return None if values is None else zlib.crc32(values.encode())


def judge(s: Stream, m: Stream) -> str:
    """Why message `m` does not continue stream `s`; "" where it does."""
    if m.source_mac != s.source_mac:
        return f"publisher {m.source_mac} instead of {s.source_mac}"
    if m.appid != s.appid:
        return f"APPID {m.appid} instead of {s.appid}"
    if (m.dataset, m.conf_rev) != (s.dataset, s.conf_rev) and not reconfigured(s, m):
        return f"data set {m.dataset}, configuration revision {m.conf_rev} instead of {s.dataset}, {s.conf_rev}"
    return _same_state(s, m) if m.st_num == s.st_num else _new_state(s, m)


def reconfigured(s: Stream, m: Stream) -> bool:
    """Whether a publisher goes on as one whose configuration was changed: restarted, with a higher configuration revision."""
    higher = m.conf_rev is not None and s.conf_rev is not None and m.conf_rev > s.conf_rev
    return higher and m.st_num == 1 and m.sq_num <= 1 and _later(s, m)


def _later(s: Stream, m: Stream) -> bool:
    return m.state_time is not None and s.state_time is not None and m.state_time > s.state_time


def _same_state(s: Stream, m: Stream) -> str:
    if m.state_time == s.state_time:
        if s.doubt == HOLLOW and m.values != s.values:
            return ""  # whoever put the old values back has stopped
        if m.values == s.values:
            return "" if m.sq_num >= s.sq_num or s.sq_num == LAST_NUMBER else f"sqNum {m.sq_num} after {s.sq_num}"
    later = _later(s, m)
    if m.st_num == 1 and m.sq_num <= 1 and later:
        return ""  # restarted before its first change of state
    if m.values == s.values and later and m.sq_num > s.sq_num:
        return ""  # some publishers renew t with every repetition
    if later and m.sq_num == s.sq_num + 1 and m.time - s.time <= BURST_US:
        return ""  # and do not count states that follow at once; a second stream shows when the first goes on
    changed = "values" if m.values != s.values else "state time"
    return f"the {changed} changed, stNum {m.st_num} did not"


def _new_state(s: Stream, m: Stream) -> str:
    later = _later(s, m)
    if m.st_num == 1 and later:
        return "" if m.sq_num <= 1 else f"restart with sqNum {m.sq_num}"
    following = 1 if s.st_num == LAST_NUMBER else s.st_num + 1
    if m.st_num != following:
        return f"stNum {m.st_num} after {s.st_num}"
    if m.sq_num > 1:  # the tap may have missed one message
        return f"new stNum {m.st_num} begins with sqNum {m.sq_num}"
    # The clocks of some publishers tick in 1/64 s: t may stay where states follow at once.
    timed = m.state_time is not None and s.state_time is not None
    at_once = m.state_time == s.state_time and m.time - s.time <= COARSE_US
    if timed and not later and not at_once:
        return f"new stNum {m.st_num} without a later state time"
    return ""


def hollow(s: Stream, m: Stream) -> bool:
    """Whether `m` begins a state that changes no value; within a burst a value may have gone and come back."""
    burst = m.time - s.time <= BURST_US and s.sq_num <= BURST_LENGTH
    new = m.st_num != s.st_num and not (m.st_num == 1 and _later(s, m))
    return new and m.values is not None and m.values == s.values and s.doubt != HOLLOW and not burst
