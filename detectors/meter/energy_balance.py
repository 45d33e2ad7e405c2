"""A transformer delivers more energy than its meters report together, beyond its usual loss.

Energy of the transformer's own meter (feeder_measurement) and of all meters below it is summed by windows, whatever order it
comes in, and a window is judged `grace_s` after its end. The share that is missing is compared with the transformer's own,
learned in its first `learn` windows: the slow mean must stand above it by `least_share` and by `sigmas` of its scatter, in
`windows_min` windows in a row. A share above `most_share` fires without learning. A window that misses readings is passed over
(`coverage_min`, of the usual number of meter hours).

Blind spot: theft that went on while learning, below `most_share`; feed-in of customers, which makes the share scatter; street
lights and wrong maps of meters look the same. What is delivered twice counts once, the first. Readings over longer intervals
than the window are not usable: raise `window_s`.
Source: threat SG-05 of the catalogue (ITU-T X.1332).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from detectors.detector import Confidence, Detector, Parties, Step, StepFunction, fires_on, quiet_on
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import FEEDER_MEASUREMENT, METER_READING


@dataclass(frozen=True)
class Params:
    window_s: float = 3600.0
    grace_s: float = 7200.0  # after the end of a window, until it is judged
    learn: int = 72  # windows
    alpha: float = 0.05  # weight of a window in the slow mean
    sigmas: float = 4.0  # of the slow mean's scatter
    least_share: float = 0.015  # above the usual loss
    most_share: float = 0.2  # loss that no transformer has
    windows_min: int = 3  # in a row
    coverage_min: float = 0.95  # of the usual meter hours of a window
    transformers_max: int = 20_000  # remembered; the least recently heard is forgotten


class Usual(NamedTuple):
    """What is known of a transformer. Shares are of the transformer's energy.

    Args:
        over: windows that end until here are over, microseconds: the transformer's clock less the grace.
        meters: meters that report in a window: the most, slowly forgotten.
        windows: number of windows judged.
        mean: share that is usually missing; squares: sum of squared deviations while learning.
        slow: slow mean of the share that is missing.
        above: windows in a row above the limit.
    """

    over: int
    meters: float = 0.0
    windows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    slow: float = 0.0
    above: int = 0


#: Energies in 1e-6 kWh, so that sums do not depend on their order, and the seconds that they were measured in.
SUMS = ("delivered", "delivered_s", "metered", "metered_s")
USUAL: dict[str, pl.DataType] = {
    n: pl.Int64() if n in ("over", "windows", "above") else pl.Float64() for n in Usual._fields
}
#: What tells two readings of a transformer apart; of its own measurements `meter` is "".
READING = ("transformer", "meter", "at")
#: A row a window that waits to be judged, a row a reading in it (`meter` and `at`), and one without a window a transformer.
STATE: dict[str, pl.DataType] = {
    "transformer": pl.String(),
    "window": pl.Int64(),
    "meter": pl.String(),
    "at": pl.Int64(),
    **dict.fromkeys(SUMS, pl.Int64()),
    **USUAL,
}
HITS: dict[str, pl.DataType] = {
    "_row": pl.UInt32(),
    "lost": pl.Float64(),
    "usual": pl.Float64(),
    "metered": pl.Float64(),
}
#: Windows ahead of the transformer's clock that are kept: further ones come from wrong clocks.
WAITING = 48
#: Weight of a window in the usual share, once it is learned: seasons change it.
SEASONS = 0.05
#: Below this energy a window says nothing, 1e-6 kWh.
LEAST = 1_000_000


def judge(p: Params, u: Usual, delivered: int, metered: int, metered_s: int) -> Usual:
    """What is known of a transformer after one more window; `above` says whether it fires."""
    meters = metered_s / p.window_s
    usual, u = u.meters, u._replace(meters=max(meters, u.meters + p.alpha * (meters - u.meters)))
    comparable = 0 < p.coverage_min * usual <= meters <= (2 - p.coverage_min) * usual
    if not comparable or delivered < LEAST:
        return u  # who comes counts at once, who goes within days
    lost, n = max(-1.0, 1 - metered / delivered), u.windows + 1
    u = u._replace(windows=n, slow=u.slow + max(p.alpha, 1 / n) * (lost - u.slow))
    if n <= p.learn:
        mean = u.mean + (lost - u.mean) / n
        u = u._replace(mean=mean, squares=u.squares + (lost - u.mean) * (lost - mean))
        limit = p.most_share
    else:
        scatter = math.sqrt(u.squares / p.learn * p.alpha / (2 - p.alpha))
        limit = min(u.mean + max(p.least_share, p.sigmas * scatter), p.most_share)
        if u.slow <= limit:
            u = u._replace(mean=u.mean + SEASONS * p.alpha * (lost - u.mean))
    return u._replace(above=u.above + 1 if u.slow > limit else 0)


def _micro(kwh: str) -> pl.Expr:
    """Energy in 1e-6 kWh; what is absent or no number is nothing."""
    return (pl.col(kwh).fill_nan(None).fill_null(0.0).clip(-1e9, 1e9) * 1e6).round().cast(pl.Int64)


def _lines(batch: pl.DataFrame, known: dict[str, Usual], window_us: int, grace_us: int) -> pl.DataFrame:
    """Each record's window and energies, with the clock of its transformer; without those of transformers that have none."""
    own, usable = pl.col("_record") == FEEDER_MEASUREMENT.name, pl.col("interval_kwh").is_finite().fill_null(False)
    seconds = pl.col("interval_s").fill_null(0).cast(pl.Int64)
    judged = pl.DataFrame(
        [(name, u.over) for name, u in known.items()],
        schema={"transformer": pl.String, "judged": pl.Int64},
        orient="row",
    )
    moved = pl.when(own).then(pl.col("_time") - grace_us).cum_max().forward_fill().over("transformer")
    return (
        batch.with_columns(moved.alias("moved"))
        .join(judged, on="transformer", how="left", maintain_order="left")
        .select(
            "_row",
            "transformer",
            own.alias("own"),
            pl.when(own).then(pl.lit("")).otherwise("meter").alias("meter"),
            pl.col("_time").alias("at"),
            pl.max_horizontal("moved", "judged").alias("over"),
            ((pl.col("_time") - 1) // window_us).alias("window"),
            pl.when(own).then(_micro("energy_kwh")).otherwise(0).alias("delivered"),
            pl.when(own).then(seconds).otherwise(0).alias("delivered_s"),
            pl.when(own).then(0).otherwise(_micro("interval_kwh")).alias("metered"),
            pl.when(~own & usable).then(seconds).otherwise(0).alias("metered_s"),
        )
        # Longer intervals say nothing of a window; one of them must not count as many meters.
        .filter(
            pl.col("over").is_not_null() & (pl.max_horizontal("delivered_s", "metered_s") <= window_us // 1_000_000)
        )
    )


def build(p: Params, site: Site) -> StepFunction:
    window_us, grace_us = int(p.window_s * 1e6), int(p.grace_s * 1e6)
    end, own = (pl.col("window") + 1) * window_us, pl.col("_record") == FEEDER_MEASUREMENT.name

    def run(state: pl.DataFrame | None, batch: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        state = pl.DataFrame(schema=STATE) if state is None else state
        if state.is_empty() and not batch.select(own.any()).item():
            return state, pl.DataFrame(schema=HITS)  # most transformers have no meter
        usual = state.filter(pl.col("window").is_null()).select("transformer", *USUAL)
        known = {name: Usual._make(values) for name, *values in usual.iter_rows()}
        lines = _lines(batch, known, window_us, grace_us)
        # Of a transformer its own measurements move the clock; the one that moves it over a window's end has it judged.
        clocks = lines.filter("own").select("_row", "transformer", "over")
        for name, over in clocks.group_by("transformer", maintain_order=True).agg(pl.col("over").last()).iter_rows():
            known[name] = known.pop(name, Usual(over))._replace(over=over)  # order is recency
        waiting = lines.filter((end > pl.col("over")) & (end <= pl.col("over") + grace_us + WAITING * window_us))
        seen = state.filter(pl.col("meter").is_not_null()).select(*READING, "window")
        waiting = waiting.unique(READING, keep="first", maintain_order=True).join(seen, on=READING, how="anti")
        seen = pl.concat([seen, waiting.select(seen.columns)])
        counted = state.filter(pl.col("window").is_not_null() & pl.col("meter").is_null())
        sums = pl.concat([counted, waiting], how="diagonal")
        sums = sums.group_by("transformer", "window").agg(pl.col(SUMS).sum()).sort("transformer", "window")
        over = pl.DataFrame(
            [(name, u.over) for name, u in known.items()],
            schema={"transformer": pl.String, "judged": pl.Int64},
            orient="row",
        )
        sums = sums.join(over, on="transformer", how="left", maintain_order="left")
        due = sums.filter(end <= pl.col("judged"))
        decides = clocks.unique(("transformer", "over"), keep="first", maintain_order=True).sort("over")
        asked = due.select("transformer", *SUMS, end.alias("end")).sort("end")
        asked = asked.join_asof(
            decides, left_on="end", right_on="over", by="transformer", strategy="forward", check_sortedness=False
        )
        hits = []
        for name, delivered, delivered_s, metered, metered_s, row in asked.select(
            "transformer", *SUMS, "_row"
        ).iter_rows():
            if delivered_s != p.window_s:
                continue
            u = known[name] = judge(p, known[name], delivered, metered, metered_s)
            if u.above >= p.windows_min:
                hits.append((row, 100 * u.slow, 100 * u.mean, metered / 1e6))
        kept = list(known.items())[-p.transformers_max :]
        rows = pl.DataFrame([(name, *u) for name, u in kept], schema={"transformer": pl.String, **USUAL}, orient="row")
        rest = sums.filter(end > pl.col("judged")).drop("judged").join(rows, on="transformer", how="semi")
        seen = seen.join(rest, on=("transformer", "window"), how="semi").sort("transformer", "window", "meter", "at")
        table = pl.concat([rows, rest, seen], how="diagonal").select(
            pl.col(name).cast(kind) for name, kind in STATE.items()
        )
        found = pl.DataFrame(hits, schema=HITS, orient="row")
        # A measurement that ends several windows at once fires once.
        return table, found.unique("_row", keep="last", maintain_order=True)

    return run


def _hours(
    begin: int, end: int, lost: float = 0.02, silent: int = 0, disorder: bool = False
) -> list[dict[str, object]]:
    """Hourly readings of eight meters, then the transformer's measurement; `lost` of its energy is not metered."""
    out: list[dict[str, object]] = []
    for hour in range(begin, end):
        kwh = [0.5 + 0.1 * ((hour * 7 + m * 3) % 11) for m in range(8)]
        measured = {
            "time": 3600.0 * (hour + 1),
            "transformer": "T1",
            "energy_kwh": sum(kwh) / (1 - lost - 0.002 * (hour % 5)),
            "interval_s": 3600,
        }
        readings = [
            {
                "record": "meter_reading",
                "time": 3600.0 * (hour + 1),
                "meter": f"M{m}",
                "transformer": "T1",
                "interval_kwh": kwh[m],
                "interval_s": 3600,
            }
            for m in range(silent, 8)
        ]
        out += [measured, *readings] if disorder and hour % 2 else [*readings, measured]
    return out


DETECTOR = Detector(
    id="energy_balance",
    version=3,
    threat=smart_grid_ami.SG_05,
    record=FEEDER_MEASUREMENT,
    kind=Step(
        build,
        columns=("transformer", "energy_kwh", "interval_s"),
        hits=("lost", "usual", "metered"),
        beside=(METER_READING, ("transformer", "meter", "interval_kwh", "interval_s")),
    ),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("transformer", "transformer"),
    dedup=("transformer",),
    episode_s=7 * 86_400.0,
    says="{lost} % of the energy of transformer {transformer} is missing from its meters, {usual} % are usual",
    observed="{lost} % missing in the slow mean; the last window judged metered {metered} kWh",
    expected="about {usual} % of loss",
    runbook=(
        "Verify the map of meters to this transformer first: a wrong one gives the same sign.",
        "Rank the customers below by alerts of unusual_reading and consumption_drift, and by missing readings.",
        "Look for unmetered load (street light, building site); then send a crew.",
    ),
    tolerance="records count for their own window in whatever order they come, until the grace has passed",
    examples=(
        fires_on("a twentieth of the energy is missing from the fifth day on", _hours(0, 96) + _hours(96, 150, 0.07)),
        fires_on(
            "the same, and what every meter and the transformer say arrives twice",
            [record for record in _hours(0, 96) + _hours(96, 150, 0.07) for _ in range(2)],
        ),
        fires_on(
            "the same, and a thief sends a neighbour's reading again to close the balance",
            _hours(0, 96) + [r for r in _hours(96, 150, 0.07) for _ in range(2 if r.get("meter") == "M3" else 1)],
        ),
        fires_on(
            "the same, after one reading over a month that would count as hundreds of meters",
            [*_hours(0, 95), {**_hours(95, 96)[0], "interval_s": 2_678_400}, *_hours(95, 96), *_hours(96, 150, 0.07)],
        ),
        fires_on("a third is missing from the beginning", _hours(0, 30, 0.33)),
        quiet_on("the usual loss, measurements and readings in any order", _hours(0, 150, disorder=True)),
        quiet_on(
            "one of eight meters misses five hours", _hours(0, 100) + _hours(100, 105, silent=1) + _hours(105, 130)
        ),
        quiet_on("a transformer without a meter", [r for r in _hours(0, 90) if "record" in r]),
    ),
)
