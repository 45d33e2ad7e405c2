"""A station sends what another station has sent before: the same place to the centimetre, at the same speed and heading.

Two cars are never at one place to the centimetre with the same speed and heading to a tenth of a degree. Fires on a station that sent
`contents` different messages of others within `window_s`; and, under whatever pseudonyms, where `burst` messages around one receiver
within `burst_s` are copies older than `stale_s`. A message heard twice, or again after a change of pseudonym, is neither. Blind
spot: copies with noise added; a copy of a station that stands. Source: threat ITS-07 of the catalogue (replay Sybil);
F2MD attack models 10, 11, 15, 17 and 19; ETSI TS 103 759, class 5.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
from detectors.geometry import is_position
from detectors.grouping import number_keys
from detectors.profiles import its_awareness
from detectors.profiles.threat import Severity
from detectors.repeats import Line, known
from detectors.site import Site
from schemas.records import CAM


@dataclass(frozen=True)
class Params:
    window_s: float = 20.0  # in which a message is known again
    moving_ms: float = 1.0  # slower ones may say the same again: receivers hold their place when they stand
    contents: int = 2  # different messages of others that a station sent
    stale_s: float = 1.5  # older than what comes again after a change of pseudonym
    burst_s: float = 5.0
    burst: int = 4  # stale copies around one receiver in burst_s, under whatever pseudonyms
    messages_max: int = 50_000  # known again, a receiver


HITS: dict[str, pl.DataType] = {"_row": pl.UInt32(), "owner": pl.String(), "age": pl.Float64()}
#: Messages that are known again, in the order of each receiver: who sent it first and when (`start`), and the message's number.
STATE: dict[str, pl.DataType] = {
    "receiver": pl.String(),
    "station": pl.String(),
    "owner": pl.String(),
    "content": pl.Int64(),
    "clock": pl.Int64(),
    "start": pl.Int64(),
    "number": pl.Int64(),
    "copied": pl.Boolean(),
    "stale": pl.Boolean(),
    "_row": pl.UInt32(),
}


def _entries(batch: pl.DataFrame, moving_ms: float) -> pl.DataFrame:
    """Messages of stations that move; what each says is one number. Integer arithmetic wraps, which only mixes further."""

    def whole(name: str, per_unit: float) -> pl.Expr:
        return (pl.col(name) * per_unit).round().cast(pl.Int64, strict=False).fill_null(0)

    content = whole("latitude", 1e7) * 1_000_003 + whole("longitude", 1e7)
    content = (content * 1_000_003 + whole("speed_ms", 100)) * 1_000_003 + whole("heading_deg", 10)
    moves = is_position("latitude", "longitude") & (pl.col("speed_ms") > moving_ms).fill_null(False)
    given = {"station": pl.col("station"), "owner": pl.col("station"), "content": content, "clock": pl.col("_time")}
    given |= {"start": pl.col("_time"), "receiver": pl.col("receiver"), "_row": pl.col("_row")}
    nothing = {"number": pl.lit(0), "copied": pl.lit(False), "stale": pl.lit(False)}
    return batch.filter(moves).select((given | nothing)[name].cast(kind).alias(name) for name, kind in STATE.items())


def build(p: Params, site: Site) -> StepFunction:
    window, stale_us, burst = (int(seconds * 1e6) for seconds in (p.window_s, p.stale_s, p.burst_s))

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        own = _entries(batch, p.moving_ms)
        if own.is_empty():
            return pl.DataFrame(schema=STATE) if state is None else state, pl.DataFrame(schema=HITS)
        entries, line = Line.of(own if state is None else pl.concat([state, own]))
        past = entries["_row"].is_null().to_numpy()
        names = pl.concat([entries.select("receiver", "station"), entries.select("receiver", station="owner")])
        who, named_at = number_keys(names)
        who, owner = who[: len(entries)], who[len(entries) :]
        content = entries["content"].to_numpy()
        # Who sent it first, as long as it comes again within the window.
        order, follows = line.repeats((content, line.code), window, p.messages_max)
        begins = np.empty_like(order)
        begins[order] = order[np.maximum.accumulate(np.where(follows, 0, np.arange(len(order))))]
        owner, start = owner[begins], np.where(past, entries["start"].to_numpy(), line.clock)[begins]
        other, age = owner != who, line.clock - start
        # The first time that a station sends what others sent.
        order, follows = line.repeats((content, who), window, p.messages_max)
        anew = np.empty_like(follows)
        anew[order] = ~follows
        copied = np.where(past, entries["copied"].to_numpy(), other & anew)
        stale = np.where(past, entries["stale"].to_numpy(), copied & (age > stale_us))
        fires = other & (line.count(copied, who, window) >= p.contents)
        fires |= other & (age > stale_us) & (line.count(stale, line.code, burst) >= p.burst)
        told = names["station"].gather(named_at[owner])
        hit = np.flatnonzero(fires & ~past)
        hits = pl.DataFrame(
            {"_row": entries["_row"].gather(hit), "owner": told.gather(hit), "age": age[hit] * 1e-6}, schema=HITS
        )
        columns: dict[str, Any] = {
            "owner": told,
            "clock": line.clock,
            "start": start,
            "number": line.number,
            "copied": copied,
            "stale": stale,
        }
        kept = entries.with_columns(
            *(pl.Series(name, values) for name, values in columns.items()), _row=pl.lit(None, dtype=pl.UInt32)
        )
        return kept.filter(pl.Series(known(line, window, p.messages_max))), hits

    return run


def _said(i: int, station: str, later_s: float = 0.0, **fields: object) -> dict[str, object]:
    place = {"latitude": 48.0 + 1e-4 * i, "longitude": 11.0, "speed_ms": 11.1, "heading_deg": 0.0}
    return {"time": i + later_s, "receiver": "R1", "station": station, **place, **fields}


DETECTOR = Detector(
    id="copied_message",
    version=1,
    threat=its_awareness.ITS_07,
    record=CAM,
    kind=Step(
        build,
        columns=("receiver", "station", "latitude", "longitude", "speed_ms", "heading_deg"),
        hits=("owner", "age"),
    ),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    parties=Parties("station", "station", source="station", destination="receiver"),
    dedup=("station",),
    episode_s=60.0,
    says="station {station} sends what {owner} sent {age} s before",
    observed="place, speed and heading of {owner}, {age} s later",
    expected="a place of its own",
    runbook=(
        "Exclude both stations from traffic functions until it is clear which of them is the copy.",
        "Send a misbehaviour report with the pair of messages as evidence.",
        "Compare signal strength and direction of both at two roadside units.",
    ),
    tolerance="a late message is passed over",
    examples=(
        fires_on(
            "a station follows another one message by message",
            [m for i in range(9) for m in (_said(i, "A1"), _said(i, "B2", 0.5))],
        ),
        fires_on(
            "five copies under five pseudonyms: the fourth and fifth",
            [*(_said(i, "A1") for i in range(9)), *(_said(i, f"C{i}", 9.0) for i in range(5))],
            alerts=2,
        ),
        quiet_on("a message is heard twice", [m for i in range(9) for m in (_said(i, "A1"), _said(i, "A1"))]),
        quiet_on(
            "a change of pseudonym",
            [*(_said(i, "A1") for i in range(5)), _said(4, "A2", 0.1), *(_said(i, "A2") for i in range(5, 9))],
        ),
        quiet_on(
            "two cars that stand", [_said(0, name, 0.2 * i, speed_ms=0.0) for i in range(9) for name in ("A1", "B2")]
        ),
    ),
)
