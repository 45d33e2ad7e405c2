"""Silence: too many keys of a group stop reporting at once, while nothing excuses them.

A key is silent once the clock of its group passes its deadline: its last record plus `intervals` times its own learned
interval (and at least `least_s`). The clock of a group is the latest event time among its records; a tick moves it on
by the broker's time that passed since the group's last record, so that a group gone wholly silent is noticed too. A
record of another type can excuse a key (a last gasp before an outage) until its next record.

The silences of a batch are laid out along the group's arrival order as +1 and -1 and summed, so the result is the same
wherever batches are cut. A key silent for longer than the lifetime of its record type no longer counts.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import filled, pick, take
from detectors.detector import SilenceSettings
from detectors.grouping import Bools, Ints, number_keys, place, running_max, stable_order

KEYS: dict[str, pl.DataType] = {
    "group": pl.String(),
    "key": pl.String(),
    "last": pl.Int64(),
    "deadline": pl.Int64(),
    "silent": pl.Boolean(),
}
GROUPS: dict[str, pl.DataType] = {
    "group": pl.String(),
    "clock": pl.Int64(),
    "heard": pl.Int64(),
    "alarmed": pl.Boolean(),
}
#: A deadline that never passes: for an excused key and one whose interval is not learned yet.
NEVER = np.iinfo(np.int64).max
#: Clock of a group that was never heard; far from the ends of the range, so that adding to it does not wrap.
_BEGINNING = np.iinfo(np.int64).min // 2


@dataclass(frozen=True)
class _Line:
    """The records of a batch by group, then arrival; groups are numbered. A tick stands behind each group's records.

    Attributes:
        group: number of each record's group.
        clock: clock of the group after each record, microseconds.
        begins, ends: first record of each group, and one past its last.
        ticked: clock of each group at the tick; that of its last record without one.
        ticks: whether there is a tick.
    """

    group: Ints
    clock: Ints
    begins: Ints
    ends: Ints
    ticked: Ints
    ticks: bool

    @property
    def tick(self) -> int:
        """Position of the tick, behind all records."""
        return len(self.group)

    @property
    def over(self) -> int:
        """Position behind everything."""
        return len(self.group) + 1

    def before(self, group: Ints, position: Ints) -> Ints:
        """The clock of `group` as it stands just before `position`, the tick included where that is behind it; 64 bits' least
        before the group's first record."""
        if not len(self.group):
            return self.ticked[group]
        earlier = self.clock[np.clip(position - 1, 0, len(self.group) - 1)]
        earlier = np.where(position > self.begins[group], earlier, np.iinfo(np.int64).min)
        return np.where(position > self.tick, self.ticked[group], earlier)

    def reached(self, group: Ints, deadline: Ints, after: Ints, clock: Ints) -> Ints:
        """The first position behind `after` where the clock of `group` has reached `deadline`; `over` where none has.

        Args:
            group, deadline, after: of each question.
            clock: the clock at the end of what is asked about: a deadline beyond it is not looked for, as most are not.
        """
        out = np.full(len(group), self.over, dtype=np.int64)
        due = np.flatnonzero(clock >= deadline)
        group = group[due]
        found = np.maximum(place(self.group, self.clock, group, deadline[due], "left"), after[due] + 1)
        out[due] = np.where(found < self.ends[group], found, self.tick if self.ticks else self.over)
        return out

    def slots(self) -> Ints:
        """Where each position stands when every group's tick follows its records: the records, then the ticks."""
        number = np.arange(len(self.begins))
        return np.concatenate((np.arange(len(self.group)) + self.group, self.ends + number))

    def count(self, starts: tuple[Ints, Ints], stops: tuple[Ints, Ints]) -> Ints:
        """How many intervals [start, stop) of its group cover each slot, in the order of `slots`.

        Args:
            starts, stops: group and position of each, in any order.
        """
        change = np.zeros(len(self.group) + len(self.begins) + 1, dtype=np.int64)
        for (group, position), by in ((starts, 1), (stops, -1)):
            within = np.minimum(np.maximum(position, self.begins[group]), self.ends[group] + (position > self.tick))
            change += by * np.bincount(within + group, minlength=len(change))
        return np.cumsum(change)[self.slots()]


def watch(
    keys: pl.DataFrame | None,
    groups: pl.DataFrame | None,
    names: pl.DataFrame,
    signs: pl.DataFrame,
    s: SilenceSettings,
    tick: int | None,
    lifetime_us: int,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Advance over one batch.

    Args:
        keys, groups: the state tables, None at the beginning.
        names: group and key of what is heard of; a key may be named twice.
        signs: signs of life (and excuses) in arrival order: name (a row of `names`), time, broker, deadline (microseconds), row,
            _arrival.
        s: the numbers.
        tick: broker's time of the tick, microseconds, or None.
        lifetime_us: silence after which a key no longer counts, microseconds.

    Returns:
        Both tables, and a row for each time a group's share rose above the threshold: group, time (the clock at the
        crossing), silent, known (keys), row (that of the record whose arrival moved the clock, null for an excuse and a tick), _arrival
        (of what moved it, null for a tick).
    """
    keys = pl.DataFrame(schema=KEYS) if keys is None else keys
    groups = pl.DataFrame(schema=GROUPS) if groups is None else groups
    # Names, keys of the state and groups are numbered, of which there are few; signs only take their name's number.
    name = signs["name"].to_numpy()
    group_of, first_of = number_keys(names.select("group"))
    g = group_of[name]
    concerned = take(names["group"], first_of)
    if tick is not None:
        concerned = pl.concat([concerned, groups["group"]]).unique(maintain_order=True)
    number = pl.DataFrame({"group": concerned}).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("g"))
    mine = number.join(groups, on="group", how="left", maintain_order="left")
    order = stable_order(g, len(number))
    numbered = keys.join(number, on="group", how="left", maintain_order="left")
    state = numbered.filter(pl.col("g").is_not_null())
    line, heard = _line(mine, signs, g[order], order, tick)

    # Everything that can fall silent, by key: keys of the state (position -1), then signs of the batch.
    named = pl.concat([state.select("g", "key"), names.select(pl.Series("g", group_of, dtype=pl.Int64), "key")])
    code, first = number_keys(named)
    every = np.concatenate((code[: len(state)], code[len(state) :][name[order]]))
    sign = stable_order(every, len(first))
    code = every[sign]
    at = np.concatenate((np.full(len(state), -1), np.arange(len(order))))[sign]
    group = named["g"].to_numpy()[first[code]]
    last = np.concatenate((state["last"].to_numpy(), signs["time"].to_numpy()[order]))[sign]
    deadline = np.concatenate((state["deadline"].to_numpy(), signs["deadline"].to_numpy()[order]))[sign]
    was_silent = np.concatenate((state["silent"].to_numpy(), np.zeros(len(order), dtype=np.bool_)))[sign]
    final = np.append(code[1:] != code[:-1], True)[: len(sign)]
    until = np.where(final, line.over, np.append(at[1:], 0)[: len(sign)])
    clock = line.before(group, until)
    fell = np.where(was_silent, -1, line.reached(group, deadline, at, clock))
    lost = line.reached(group, last + lifetime_us, at, clock)
    stop = np.minimum(until, lost)
    counted = fell < stop
    silent = line.count((group[counted], fell[counted]), (group[counted], stop[counted]))
    # A key is known from its first sign on; while lost it is not. Only where this begins and ends counts.
    goes_on = ~final & (stop == until)
    begun = ~np.append(False, goes_on)[: len(sign)]
    known = line.count((group[begun], at[begun]), (group[~goes_on], stop[~goes_on]))
    above = (silent >= s.share * known) & (known >= s.least_keys) & (silent > 0)

    crossed, alarmed = _crossings(line, above, filled(mine["alarmed"], False))
    # A slot behind the records is a group's tick.
    row = np.append(order, np.full(len(mine), -1))[crossed]
    hits = pl.DataFrame(
        {
            "group": take(mine["group"], np.concatenate((line.group, np.arange(len(mine))))[crossed]),
            "time": np.concatenate((line.clock, line.ticked))[crossed],
            "silent": silent[crossed],
            "known": known[crossed],
            "row": pick(signs["row"].cast(pl.Int64), row),
            "_arrival": pick(signs["_arrival"].cast(pl.Int64), row),
        }
    )
    kept = np.flatnonzero(final & (lost >= line.over))
    new_keys = pl.DataFrame(
        {
            "group": take(mine["group"], group[kept]),
            "key": take(named["key"], first[code[kept]]),
            "last": last[kept],
            "deadline": deadline[kept],
            "silent": counted[kept],
        },
        schema=KEYS,
    )
    new_clock = np.where(
        line.ends > line.begins,
        np.append(line.clock, 0)[np.maximum(line.ends - 1, 0)],
        filled(mine["clock"], _BEGINNING),
    )
    new_groups = pl.DataFrame(
        {
            "group": mine["group"],
            "clock": new_clock,
            "heard": pl.Series(heard).set(pl.Series(heard < 0), None),
            "alarmed": alarmed,
        },
        schema=GROUPS,
    )
    return (
        pl.concat([numbered.filter(pl.col("g").is_null()).drop("g"), new_keys]),
        pl.concat([groups.join(number, on="group", how="anti"), new_groups]),
        hits,
    )


def _line(mine: pl.DataFrame, signs: pl.DataFrame, group: Ints, order: Ints, tick: int | None) -> tuple[_Line, Ints]:
    """The line of a batch, and the broker's time at which each group was last heard (-1 where it is not known)."""
    numbers = np.arange(len(mine))
    begins = np.searchsorted(group, numbers, side="left").astype(np.int64)
    ends = np.searchsorted(group, numbers, side="right").astype(np.int64)
    before = filled(mine["clock"], _BEGINNING)
    first = np.append(True, group[1:] != group[:-1])[: len(group)]
    clock = running_max(np.maximum(signs["time"].to_numpy()[order], before[group]), first)
    heard = filled(mine["heard"], -1)
    now = before
    if len(group):
        latest, some = np.maximum(ends - 1, 0), ends > begins
        heard = np.where(some, filled(signs["broker"], -1)[order][latest], heard)
        now = np.where(some, clock[latest], before)
    passed = np.where(heard >= 0, np.maximum(0, tick - heard), 0) if tick is not None else np.zeros_like(now)
    return _Line(group, clock, begins, ends, now + passed, tick is not None), heard


def _crossings(line: _Line, above: Bools, alarmed: Bools) -> tuple[Ints, Bools]:
    """Where each group's share rose above the threshold, as indexes of the slots, and whether it is above at the end."""
    slots = line.slots()
    order = np.empty_like(slots)
    order[slots] = np.arange(len(slots))
    group = np.concatenate((line.group, np.arange(len(line.begins))))[order]
    raised = above[order]
    head = np.append(True, group[1:] != group[:-1])[: len(group)]
    before = np.where(head, alarmed[group], np.append(False, raised[:-1])[: len(group)])
    return order[raised & ~before], raised[np.append(head[1:], True)[: len(group)]]
