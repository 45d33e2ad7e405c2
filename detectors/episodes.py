"""Episodes: firings of one dedup key shortly after one another are one alert.

An episode begins with a firing and lasts the detector's `episode_s`; firings within it belong to its alert, the first
one after begins the next. So a flood gives one alert an episode, and every record that took part still names its alert.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from detectors.columns import take
from detectors.grouping import Bools, Ints

EPISODES = "episodes"
SCHEMA = pl.Schema(
    {"locality": pl.String, "detector": pl.String, "dedup": pl.String, "until": pl.Int64, "alert_id": pl.String}
)
_ON = ["locality", "detector", "dedup"]
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Assigned:
    """Hits with their episodes.

    Attributes:
        begins: True where a hit begins an episode.
        owner: hit that began each hit's episode; -1 where an earlier batch did.
    """

    begins: Bools
    owner: Ints
    _code: Ints
    _mine: pl.DataFrame
    _state: pl.DataFrame
    _until: Ints
    _latest: Ints

    def close(self, ids: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """The open episodes and each hit's alert id, given the alert ids of the hits that begin (null elsewhere)."""
        old = self._mine["alert_id"]
        own = pl.concat([old, ids])
        alert = take(own, np.where(self.owner >= 0, self.owner + len(old), self._code))
        last = take(own, np.where(self._latest >= 0, self._latest + len(old), np.arange(len(old))))
        touched = self._mine.select(_ON).with_columns(pl.Series("until", self._until), last.alias("alert_id"))
        rest = self._state.join(touched, on=_ON, how="anti")
        return pl.concat([rest, touched.cast(SCHEMA)]), alert


def assign(state: pl.DataFrame | None, hits: pl.DataFrame) -> Assigned:
    """Assign each hit to its episode.

    Args:
        state: open episodes, or None at the beginning.
        hits: in arrival order, columns detector, locality, dedup, time (microseconds), length (of the detector's
        episodes, microseconds).
    """
    state = pl.DataFrame(schema=SCHEMA) if state is None else state
    keys = hits.select(_ON).unique(maintain_order=True)
    numbered = keys.with_row_index("_code")
    code = (
        hits.select(_ON).join(numbered, on=_ON, how="left", maintain_order="left")["_code"].to_numpy().astype(np.int64)
    )
    mine = keys.join(state, on=_ON, how="left", maintain_order="left")
    until: list[int] = mine["until"].fill_null(_NEVER).to_list()
    latest = [-1] * len(keys)
    owner = np.full(len(hits), -1, dtype=np.int64)
    begins = np.zeros(len(hits), dtype=np.bool_)
    # One walk: whether a hit begins an episode hangs on where the one before it began.
    for at, (key, time, length) in enumerate(
        zip(code.tolist(), hits["time"].to_list(), hits["length"].to_list(), strict=True)
    ):
        if time >= until[key]:
            begins[at], latest[key], until[key] = True, at, time + length
        owner[at] = latest[key]
    return Assigned(begins, owner, code, mine, state, np.array(until, dtype=np.int64), np.array(latest, dtype=np.int64))
