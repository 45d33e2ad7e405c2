"""Households and shops of SimBench: which customers hang under which transformer, and what they draw.

Source: SimBench data set `1-complete_data-mixed-all-0-sw` (Meinecke et al. 2020, doi:10.3390/en13123290): load profiles
of one year at 15 minutes, normalised to the customer's peak. The CSV files are read straight from the package.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from schemas.errors import RunFault

_GRID: Final = "networks/1-complete_data-mixed-all-0-sw"
#: Length of an interval of the profiles, seconds.
INTERVAL_S: Final = 900


@dataclass(frozen=True)
class Customer:
    """One customer.

    Args:
        meter: identifier of the meter.
        transformer: the transformer that feeds it.
        feeder: the medium-voltage feeder of that transformer.
        profile: name of the load profile.
        peak_kw: active power at profile value 1.
        peak_kvar: reactive power at profile value 1.
    """

    meter: str
    transformer: str
    feeder: str
    profile: str
    peak_kw: float
    peak_kvar: float


@dataclass(frozen=True)
class Profiles:
    """Customers and, by profile, active and reactive power of a year, relative to the peak."""

    customers: tuple[Customer, ...]
    active: dict[str, np.ndarray]
    reactive: dict[str, np.ndarray]

    @property
    def length(self) -> int:
        """Intervals in a profile."""
        return min(len(series) for series in self.active.values())


def _installed() -> Path:
    spec = importlib.util.find_spec("simbench")
    if spec is None or not spec.submodule_search_locations:
        raise RunFault(
            "the load profiles of SimBench are not installed", "simbench", "run make setup, or pip install simbench"
        )
    return Path(spec.submodule_search_locations[0]) / _GRID


def load_profiles(meters: int, cache: Path | None = None) -> Profiles:
    """The first `meters` customers of the grid, transformer by transformer, and their profiles.

    Args:
        meters: how many customers; the last transformer may be cut.
        cache: directory for the extracted year; reading the whole table takes seconds.

    Raises:
        RunFault: SimBench is not installed or its files are not as known.
    """
    folder = _installed()
    try:
        loads = pl.read_csv(
            folder / "Load.csv", separator=";", columns=["subnet", "profile", "pLoad", "qLoad", "voltLvl"]
        )
        chosen = loads.filter(pl.col("voltLvl") == 7).head(meters)
        customers = tuple(
            Customer(
                meter=f"M{number:05d}",
                transformer=str(subnet).replace("LV", "T"),
                feeder=f"F{1 + transformer_number // 4}",
                profile=str(profile),
                peak_kw=float(active) * 1000,
                peak_kvar=float(reactive) * 1000,
            )
            for number, (subnet, profile, active, reactive, transformer_number) in enumerate(
                chosen.select(
                    "subnet", "profile", "pLoad", "qLoad", (pl.col("subnet").rank("dense") - 1).alias("rank")
                ).iter_rows(),
                1,
            )
        )
        names = sorted({customer.profile for customer in customers})
        table = _year(folder / "LoadProfile.csv", names, cache)
    except (pl.exceptions.PolarsError, OSError, KeyError) as wrong:
        raise RunFault(f"the SimBench profiles cannot be read: {wrong}", str(folder), "reinstall simbench") from wrong
    if not customers:
        raise RunFault("the SimBench grid has no low-voltage customers", str(folder), "reinstall simbench")
    return Profiles(
        customers,
        {name: table[f"{name}_pload"].to_numpy() for name in names},
        {name: table[f"{name}_qload"].to_numpy() for name in names},
    )


def _year(source: Path, names: list[str], cache: Path | None) -> pl.DataFrame:
    columns = [f"{name}_{kind}" for name in names for kind in ("pload", "qload")]
    kept = cache / "simbench_profiles.parquet" if cache is not None else None
    if kept is not None and kept.exists():
        table = pl.read_parquet(kept)
        if set(columns) <= set(table.columns):
            return table
    table = pl.read_csv(source, separator=";", columns=columns, schema_overrides=dict.fromkeys(columns, pl.Float64))
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".new")
        table.write_parquet(fresh)
        fresh.replace(kept)
    return table
