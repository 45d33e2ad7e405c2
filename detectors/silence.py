"""Silence: too many keys of a group stop reporting at once, while nothing excuses them.

A key is silent once the clock of its group passes its deadline: its last record plus `intervals` times its own
learned interval (and at least `least_s`). The clock of a group is the latest event time among its records; a tick
moves it on by the broker's time that passed since the group's last record, so that a group gone wholly silent is
noticed too. A record of another type can excuse a key (a last gasp before an outage) until its next record.

The silences of a batch are laid out along the group's arrival order as +1 and -1 and summed, so the result is the same
wherever batches are cut. A key silent for longer than the lifetime of its record type no longer counts.
"""

import numpy as np
import polars as pl

from detectors.detector import SilenceSettings
from detectors.grouping import Ints

KEYS = {"group": pl.String, "key": pl.String, "last": pl.Int64, "deadline": pl.Int64, "silent": pl.Boolean}
GROUPS = {"group": pl.String, "clock": pl.Int64, "heard": pl.Int64, "alarmed": pl.Boolean}
#: A deadline that never passes: for an excused key and one whose interval is not learned yet.
NEVER = np.iinfo(np.int64).max


def watch(
    keys: pl.DataFrame | None,
    groups: pl.DataFrame | None,
    signs: pl.DataFrame,
    s: SilenceSettings,
    tick: int | None,
    lifetime_us: int,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Advance over one batch.

    Args:
        keys, groups: the state tables, None at the beginning.
        signs: signs of life (and excuses) in arrival order: group, key, time, broker, deadline (microseconds), row.
        s: the numbers.
        tick: broker's time of the tick, microseconds, or None.
        lifetime_us: silence after which a key no longer counts, microseconds.

    Returns: Both tables, and a row for each time a group's share rose above the threshold: group, time (the clock at
        the crossing), silent, known (keys), row (that of the record whose arrival moved the clock, null for a tick).
    """
    keys = pl.DataFrame(schema=KEYS) if keys is None else keys
    groups = pl.DataFrame(schema=GROUPS) if groups is None else groups
    concerned = signs["group"].unique(maintain_order=True)
    if tick is not None:
        concerned = pl.concat([concerned, groups["group"]]).unique(maintain_order=True)
    number = pl.DataFrame({"group": concerned}).with_row_index("g").cast({"g": pl.Int64})
    mine = number.join(groups, on="group", how="left", maintain_order="left")
    past = keys.join(number, on="group", how="inner", maintain_order="left")
    line = signs.join(number, on="group", how="left", maintain_order="left").sort("g", maintain_order=True)

    # The clock along the line of each group: the groups' old clocks, the records in arrival order, the tick's.
    old_clock = mine["clock"].fill_null(np.iinfo(np.int64).min // 2).to_numpy()
    time = np.maximum(line["time"].to_numpy(), old_clock[line["g"].to_numpy()])
    clock = line.select(pl.Series("c", time), "g").with_columns(pl.col("c").cum_max().over("g"))["c"].to_numpy()
    g = line["g"].to_numpy()
    ends = np.searchsorted(g, np.arange(len(mine)), side="right")
    begins = np.searchsorted(g, np.arange(len(mine)), side="left")
    heard = mine["heard"].fill_null(-1).to_numpy()
    new_clock = np.where(ends > begins, clock[np.maximum(ends - 1, 0)] if len(clock) else old_clock, old_clock)
    if len(line):
        broker = line["broker"].fill_null(-1).to_numpy()
        heard = np.where(ends > begins, broker[np.maximum(ends - 1, 0)], heard)
    ticked = new_clock + (np.where(heard >= 0, np.maximum(0, tick - heard), 0) if tick is not None else 0)

    # Everything that can fall silent: keys of the state (position -1) and signs of the batch, by key, then position.
    at = np.arange(len(line))
    sign = pl.concat(
        [
            past.select("g", "key", pl.lit(-1, dtype=pl.Int64).alias("at"), "last", "deadline", "silent"),
            line.select(
                "g", "key", pl.Series("at", at), pl.col("time").alias("last"), "deadline", pl.lit(False).alias("silent")
            ),
        ]
    ).sort("g", "key", "at")
    sg, sat = sign["g"].to_numpy(), sign["at"].to_numpy()
    same = (sign["key"] == sign["key"].shift(-1)).fill_null(False).to_numpy() & np.append(sg[1:] == sg[:-1], False)[
        : len(sign)
    ]
    over = len(line) + 1  # after everything, the tick included
    until = np.where(same, np.append(sat[1:], 0)[: len(sign)], over)
    fell = _first_at(begins, ends, clock, ticked, sg, sign["deadline"].to_numpy(), over)
    fell = np.where(sign["silent"].to_numpy(), -1, np.maximum(fell, sat + 1))
    lost_after = sign["last"].to_numpy() + lifetime_us
    lost = np.maximum(_first_at(begins, ends, clock, ticked, sg, lost_after, over), sat + 1)

    counted = fell < np.minimum(until, lost)
    silent = _sum_along(begins, ends, sg[counted], fell[counted], np.minimum(until, lost)[counted])
    # A key is known from its first sign on; while lost it is not.
    known = _sum_along(begins, ends, sg, sat, np.minimum(until, lost))
    share_up = (silent >= s.share * known) & (known >= s.least_keys) & (silent > 0)

    # Slots of the line: per group its records in order, then one slot for the tick.
    slot_g = np.concatenate((g, np.arange(len(mine))))
    slot_clock = np.concatenate((clock, ticked))
    order = np.lexsort((np.concatenate((at, np.full(len(mine), len(line)))), slot_g))
    raised = share_up[order]
    sorted_g = slot_g[order]
    alarmed0 = mine["alarmed"].fill_null(False).to_numpy()
    head = np.append(True, sorted_g[1:] != sorted_g[:-1])[: len(order)]
    before = np.where(head, alarmed0[sorted_g], np.append(False, raised[:-1])[: len(order)])
    crossed = order[raised & ~before]
    rows = pl.concat([line["row"].cast(pl.Int64), pl.Series([None] * len(mine), dtype=pl.Int64)])
    hits = pl.DataFrame(
        {
            "group": mine["group"].gather(slot_g[crossed]),
            "time": slot_clock[crossed],
            "silent": silent[crossed],
            "known": known[crossed],
            "row": rows.gather(crossed),
        }
    )
    tails = np.flatnonzero(np.append(head[1:], True)[: len(order)])
    final = ~same
    kept = sign.filter(pl.Series(final & (lost >= over))).select(
        mine["group"].gather(sg[final & (lost >= over)]).alias("group"),
        "key",
        "last",
        "deadline",
        pl.Series("silent", counted[final & (lost >= over)]),
    )
    new_keys = pl.concat([keys.join(number, on="group", how="anti"), kept])
    new_groups = pl.concat(
        [
            groups.join(number, on="group", how="anti"),
            pl.DataFrame({"group": mine["group"], "clock": new_clock, "heard": heard, "alarmed": raised[tails]})
            .with_columns(pl.when(pl.col("heard") >= 0).then("heard"))
            .select(list(GROUPS)),
        ]
    )
    return new_keys, new_groups, hits


def _first_at(begins: Ints, ends: Ints, clock: Ints, ticked: Ints, group: Ints, deadline: Ints, over: int) -> Ints:
    """The first position of each entry's group whose clock has reached its deadline; len(clock) for the tick; `over` for never."""
    values = np.unique(np.concatenate((clock, deadline)))
    width = len(values) + 1
    line_group = np.repeat(np.arange(len(begins)), ends - begins)
    line = line_group * width + np.searchsorted(values, clock)
    found = np.searchsorted(line, group * width + np.searchsorted(values, deadline), side="left")
    return np.where(found < ends[group], found, np.where(ticked[group] >= deadline, len(clock), over)).astype(np.int64)


def _sum_along(begins: Ints, ends: Ints, group: Ints, start: Ints, stop: Ints) -> Ints:
    """How many intervals [start, stop) of its group cover each slot: the positions of the line, then a tick slot a group."""
    n, groups = len(np.repeat(begins, ends - begins)), len(begins)
    change = np.zeros(n + groups + 1, dtype=np.int64)

    def place(position: Ints) -> Ints:
        """Slot in the order of the walk: each group's records, then its tick."""
        return np.where(position >= n, ends[group], np.maximum(position, begins[group])) + group

    np.add.at(change, place(start), np.where(start <= n, 1, 0))
    np.add.at(change, place(np.minimum(stop, n)) + (stop > n), np.where(start <= n, -1, 0))
    total = np.cumsum(change)
    at = np.arange(n)
    line_group = np.repeat(np.arange(groups), ends - begins)
    return np.concatenate((total[at + line_group], total[ends + np.arange(groups)]))
