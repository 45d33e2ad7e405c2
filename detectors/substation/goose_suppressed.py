"""A GOOSE control block was kept from its subscribers: its messages stayed away far longer than the last one allowed,
then went on.

A subscriber takes a control block for invalid when its time allowed to live has passed. Fires on the first message
after a gap of more than `lives` times that, and `least_s`, while other control blocks of the site were heard; a state
that changed within the gap is told too late. Not told: a restarted publisher (stNum 1), and a tap that heard nothing at
all. Blind spot: a control block that never comes back (`goose_silent`); a site with one control block; messages without
a time allowed to live. Source: threat SG-27 of the catalogue; IEC 61850-8-1 clause 18 (timeAllowedtoLive); ERENO use
case 08 (grey hole).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, Last, TimeSince
from detectors.profiles import smart_grid_substation
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    lives: float = 3.0  # times the last message's time allowed to live
    least_s: float = 5.0
    heard_share: float = 0.5  # a longest silence of the whole site of this share of the gap is the tap's


BY = ("control_block",)
SECOND = Derived("second", pl.col("time").dt.epoch("us") * 1e-6)


def build(p: Params, site: Site) -> Firing:
    since, allowed = TimeSince(BY), Last(BY, "allowed_to_live_ms")
    state, sent = Last(BY, "st_num"), Last(BY, "sq_num")
    whole = TimeSince(("site",))
    lull = Derived(f"site was silent for {p.least_s:g} s", (whole.col > p.least_s).fill_null(True), (whole,))
    length = Derived("silence of the site", whole.col, (whole,))
    ended, lasted = Last(("site",), SECOND, lull), Last(("site",), length, lull)
    begun = SECOND.col - since.col
    deaf = (ended.col >= begun) & (lasted.col >= since.col * p.heard_share)
    own = whole.col >= since.col * p.heard_share
    late = since.col > pl.max_horizontal(allowed.col * (p.lives * 1e-3), pl.lit(p.least_s))
    changed = pl.when(pl.col("st_num") != state.col).then(pl.lit(", and a state changed within")).otherwise(pl.lit(""))
    # It begins anew with state 1; one that has not changed its state since counts on.
    restarted = (pl.col("st_num") == 1) & ((state.col != 1) | (pl.col("sq_num") <= sent.col)).fill_null(True)
    return Firing(
        when=(late & allowed.col.is_not_null() & ~own & ~deaf.fill_null(False)).fill_null(False) & ~restarted,
        memories=(since, allowed, state, sent, whole, ended, lasted),
        values={"since": since.col, "allowed": allowed.col * 1e-3, "changed": changed.fill_null("")},
    )


def _stream(name: str, start: float, end: float, st_num: int = 4) -> list[dict[str, object]]:
    body = {"control_block": name, "source_mac": f"00:30:a7:00:00:{name[-2:]}", "allowed_to_live_ms": 2000}
    return [
        {"time": start + i, **body, "st_num": st_num, "sq_num": i, "values": ["closed"]}
        for i in range(int(end - start))
    ]


def _site(*streams: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted((record for stream in streams for record in stream), key=lambda record: float(str(record["time"])))


DETECTOR = Detector(
    id="goose_suppressed",
    version=2,
    threat=smart_grid_substation.SG_27,
    record=GOOSE,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.MEDIUM,
    parties=Parties("control block", "control_block", source="source_mac", destination="destination_mac"),
    dedup=("control_block",),
    episode_s=300.0,
    says="{control_block} was not heard for {since} s, its messages live {allowed} s{changed}",
    observed="{since} s without a message{changed}",
    expected="a message at least every {allowed} s",
    runbook=(
        "Find out whether a trip came too late or not at all; read the event records of publisher and subscribers.",
        "Look for the port and the device at which the messages stayed: capture on both sides of the switch.",
        "Assume interlocking and breaker-failure schemes of that bay were not available in that time.",
    ),
    tolerance="messages are judged in the order in which the tap saw them; a late one is passed over",
    examples=(
        fires_on(
            "a trip is held back for half a minute",
            _site(_stream("block-01", 0, 100), _stream("block-02", 0.5, 30), _stream("block-02", 64.5, 100, 5)),
        ),
        fires_on(
            "the same of one that has not changed its state since it was started",
            _site(
                _stream("block-01", 0, 100),
                _stream("block-02", 0.5, 100, 1)[:30],
                _stream("block-02", 0.5, 100, 1)[64:],
            ),
        ),
        quiet_on(
            "a lost message", _site(_stream("block-01", 0, 60), _stream("block-02", 0, 30), _stream("block-02", 32, 60))
        ),
        quiet_on(
            "a publisher restarts",
            _site(_stream("block-01", 0, 100), _stream("block-02", 0, 30), _stream("block-02", 90, 100, 1)),
        ),
        quiet_on(
            "and once more, without a change of state between",
            _site(_stream("block-01", 0, 100), _stream("block-02", 0, 30, 1), _stream("block-02", 90, 100, 1)),
        ),
        quiet_on(
            "the tap is off for a minute",
            _site(*(_stream(f"block-0{i}", i / 10 + k, 30 + k) for i in range(3) for k in (0, 90))),
        ),
    ),
)
