"""Silence against a reference that walks through the records one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.detector import SilenceSettings
from detectors.silence import NEVER, watch

NUMBERS = SilenceSettings(intervals=3.0, least_s=0.0, share=0.5, least_keys=2)
LIFETIME = 60
TYPES = {
    "name": pl.Int64,
    "time": pl.Int64,
    "broker": pl.Int64,
    "deadline": pl.Int64,
    "row": pl.Int64,
    "_arrival": pl.Int64,
}


@dataclass
class Group:
    """A group as the reference sees it: key -> [last, deadline, silent]."""

    clock: int | None = None
    heard: int | None = None
    alarmed: bool = False
    keys: dict[str, list[Any]] = field(default_factory=dict)

    def judge(self, clock: int) -> tuple[int, int] | None:
        """Let keys fall silent and be lost at this clock; gives (silent, known) where the share rises."""
        self.keys = {k: v for k, v in self.keys.items() if v[0] + LIFETIME > clock}
        for entry in self.keys.values():
            entry[2] = entry[2] or entry[1] <= clock
        silent, known = sum(e[2] for e in self.keys.values()), len(self.keys)
        above = silent >= NUMBERS.share * known and known >= NUMBERS.least_keys and silent > 0
        rises, self.alarmed = above and not self.alarmed, above
        return (silent, known) if rises else None


Sign = tuple[str, str, int, int | None, int]


def reference(steps: Sequence[tuple[Sequence[Sign], int | None]]) -> list[tuple[str, int, int, int]]:
    """Hits of records and ticks, in order."""
    groups: dict[str, Group] = {}
    hits = []
    for signs, tick in steps:
        for name, key, time, broker, deadline in signs:
            group = groups.setdefault(name, Group())
            fresh = [time, deadline, False]
            group.keys.pop(key, None)
            group.clock = time if group.clock is None else max(group.clock, time)
            group.heard = broker
            # A sign cannot fall silent, nor be lost, by its own arrival.
            found = None
            others = Group(keys=group.keys)
            others.judge(group.clock)
            group.keys = {**others.keys, key: fresh}
            silent, known = sum(e[2] for e in group.keys.values()), len(group.keys)
            above = silent >= NUMBERS.share * known and known >= NUMBERS.least_keys and silent > 0
            if above and not group.alarmed:
                found = (silent, known)
            group.alarmed = above
            if found:
                hits.append((name, group.clock, *found))
        if tick is not None:
            for name, group in groups.items():
                assert group.clock is not None
                passed = max(0, tick - group.heard) if group.heard is not None else 0
                if found := group.judge(group.clock + passed):
                    hits.append((name, group.clock + passed, *found))
    return hits


def run(steps: Sequence[tuple[Sequence[Sign], int | None]]) -> list[tuple[str, int, int, int]]:
    """Hits of the engine's watch over the same steps, batch by batch."""
    keys = groups = None
    hits = []
    row = 0
    for signs, tick in steps:
        # As from the engine: signs share a name, and a name may be listed again (an excuse brings its own).
        distinct = list(dict.fromkeys(s[:2] for s in signs))
        listed = [*distinct, *(s[:2] for s in signs)]
        code = [len(distinct) + i if i % 3 == 0 else distinct.index(s[:2]) for i, s in enumerate(signs)]
        names = pl.DataFrame(listed, schema={"group": pl.String, "key": pl.String}, orient="row")
        told = [(code[i], *s[2:], row + i, row + i) for i, s in enumerate(signs)]
        frame = pl.DataFrame(told, schema=TYPES, orient="row")
        row += len(signs)
        keys, groups, found = watch(keys, groups, names, frame, NUMBERS, tick, LIFETIME)
        hits += [tuple(h) for h in found.select("group", "time", "silent", "known").iter_rows()]
    return hits


signs_of = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["k1", "k2", "k3", "k4"]),
        st.integers(0, 90),
        st.one_of(st.none(), st.integers(0, 90)),
        st.one_of(st.just(NEVER), st.integers(0, 120)),
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(signs_of, st.one_of(st.none(), st.integers(0, 200))), max_size=6))
def test_as_the_reference(steps: list[tuple[list[Sign], int | None]]) -> None:
    assert sorted(run(steps)) == sorted(reference(steps))


@settings(max_examples=200, deadline=None)
@given(signs_of, st.integers(0, 200), st.lists(st.integers(0, 12), max_size=4))
def test_same_wherever_cut(signs: list[Sign], tick: int, cuts: list[int]) -> None:
    ends = [0, *sorted({min(c, len(signs)) for c in cuts}), len(signs)]
    parts = [signs[a:b] for a, b in pairwise(ends)]
    steps: list[tuple[list[Sign], int | None]] = [*((part, None) for part in parts), ([], tick)]
    assert sorted(run(steps)) == sorted(run([(signs, tick)]))


@pytest.mark.parametrize("time", [-(2**60), 2**60])
def test_far_away_times(time: int) -> None:
    signs: list[Sign] = [("a", "k1", 5, 5, 10), ("a", "k2", time, 5, 10), ("a", "k1", 6, 6, 20)]
    assert run([(signs, 100)]) == reference([(signs, 100)])
