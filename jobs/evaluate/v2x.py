"""How well misbehaving stations are found: F2MD's attack models on SUMO traffic, run through the detectors of awareness messages.

Per attack and density: precision, recall and F1 over the received messages (a message is found where it took part in a firing),
attackers found (an alert names one of their pseudonyms), and honest vehicles named. On traffic without attackers: alerts a vehicle and
hour.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from detectors.catalog import DETECTORS
from detectors.detector import Detector
from detectors.engine import ENGINE_COLUMNS, State
from detectors.local import make_engine
from detectors.site import Site, parse_site
from ingest.lab.f2md_attacks import MODELS, AttackModel, attacked, box_of, chosen_vehicles
from ingest.lab.v2x_air import Pseudonyms, heard, messages
from ingest.lab.v2x_traces import Trace, town_trace
from ingest.lab.vehicles import RECEIVERS, wgs84
from jobs.evaluate.measure import spread
from schemas.records import CAM
from schemas.types import Domain

START: Final = 1_767_571_200_000_000
SHARE: Final = 0.05
#: Records a batch.
BATCH: Final = 20_000
#: Attacks that falsify the position: measured together too.
POSITION: Final = ("constant_position", "constant_offset", "random_position", "random_offset")

#: F1 of VeReMi-NextGen (CaTch, urban, low density).
PUBLISHED: Final = {
    "random_position": 0.940,
    "constant_offset": 0.846,
    "zero_speed": 0.907,
    "grid_sybil": 0.259,
    "dos": 0.353,
    "eventual_stop": 0.029,
}


@dataclass(frozen=True)
class Density:
    """Cars at a time, and seconds of traffic."""

    name: str
    cars: int
    seconds: float


DENSITIES: Final = (Density("low", 40, 1200.0), Density("high", 100, 600.0))


@dataclass(frozen=True)
class Run:
    """Traffic as received: fields of CAM with vehicle and attack beside them."""

    frame: pl.DataFrame
    site: Site
    attackers: frozenset[int]


@dataclass
class Tally:
    """Counts of one attack; two are added where they are of different seeds.

    Attributes:
        hit, wrong, missed: messages found, honest ones found, attack messages not found.
        attackers, found: attackers that were heard, and those that an alert names.
        honest, named: honest vehicles, and those that an alert names.
        hours: honest vehicles' time on the road, hours.
        alerts: those that name an honest vehicle, by detector.
    """

    hit: int = 0
    wrong: int = 0
    missed: int = 0
    attackers: int = 0
    found: int = 0
    honest: int = 0
    named: int = 0
    hours: float = 0.0
    alerts: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Count another one in."""
        for name in ("hit", "wrong", "missed", "attackers", "found", "honest", "named", "hours"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for detector, number in other.alerts.items():
            self.alerts[detector] = self.alerts.get(detector, 0) + number

    @property
    def f1_of_vehicles(self) -> float:
        """F1 over vehicles: one is found, or wrongly named, where an alert names one of its pseudonyms."""
        return 2 * self.found / (self.found + self.named + self.attackers) if self.found else 0.0

    @property
    def precision(self) -> float:
        """Share of what was found that is an attack; 1 where nothing was."""
        return self.hit / (self.hit + self.wrong) if self.hit + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of the attack that was found."""
        return self.hit / (self.hit + self.missed) if self.hit + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hit / (2 * self.hit + self.wrong + self.missed) if self.hit else 0.0


def site_of(trace: Trace) -> Site:
    """The site file of the town: where receivers stand and how far they hear, the roads, and that stations follow ETSI's rules."""
    receivers = {
        unit.address: dict(zip(("latitude", "longitude"), wgs84(unit.x, unit.y), strict=True))
        | {"range_m": unit.range_m}
        for unit in RECEIVERS
    }
    roads = [[wgs84(x, y) for x, y in road] for road in trace.roads]
    return parse_site({"name": "town", "v2x": {"rules": "etsi", "receivers": receivers, "roads": roads}}, "town")


def make_run(density: Density, seed: int, model: AttackModel | None, change: Pseudonyms) -> Run:
    """The traffic of a density and seed, with 5 % of the vehicles attacking; with none where no model is given."""
    trace = town_trace(density.cars, density.seconds, seed)
    sent = messages(trace, START, seed, change=change)
    attackers: Sequence[int] = ()
    if model is None:
        sent = sent.with_columns(pl.lit(False).alias("attack"))
    else:
        attackers = chosen_vehicles(sent, SHARE, seed)
        sent = attacked(sent, model, attackers, box_of(trace.roads), seed)
    return Run(heard(sent, RECEIVERS, seed), site_of(trace), frozenset(attackers))


def cam_detectors() -> tuple[Detector, ...]:
    """The detectors of awareness messages."""
    return tuple(d for d in DETECTORS if d.record is CAM)


def detect(frame: pl.DataFrame, site: Site, detectors: Sequence[Detector]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Flags (detector and row of the frame) and alerts of a run."""
    engine, state = make_engine(Domain.VEHICLE, detectors, site), State()
    flags, alerts = [], []
    rows = pl.int_range(pl.len(), dtype=pl.Int64)
    empty = {n: t for n, t in ENGINE_COLUMNS.items() if n not in ("_arrival", "_offset", "_broker")}
    batch = frame.select(CAM.names).with_columns(
        rows.alias("_arrival"),
        rows.alias("_offset"),
        pl.col("time").dt.epoch("us").alias("_broker"),
        *(pl.lit(None, dtype=t).alias(n) for n, t in empty.items()),
    )
    for first in range(0, len(batch), BATCH):
        outcome = engine.step(state, {CAM.name: batch[first : first + BATCH]})
        state = outcome.state
        if len(outcome.flags):
            flags.append(outcome.flags.select("detector", pl.col("offset").alias("row")))
        if len(outcome.alerts):
            alerts.append(outcome.alerts.select("detector", "entity", "title"))
    nothing = pl.DataFrame(schema={"detector": pl.String, "row": pl.Int64})
    none = pl.DataFrame(schema={"detector": pl.String, "entity": pl.String, "title": pl.String})
    return pl.concat([nothing, *flags]).unique(), pl.concat([none, *alerts])


def judge(run: Run, flags: pl.DataFrame, alerts: pl.DataFrame) -> Tally:
    """Count."""
    truth = run.frame["attack"].to_numpy()
    flagged = np.zeros(len(truth), dtype=np.bool_)
    flagged[flags["row"].unique().to_numpy()] = True
    owner = run.frame.select("station", "vehicle").unique("station")
    named = alerts.join(owner, left_on="entity", right_on="station", how="left")
    vehicles = set(named["vehicle"].drop_nulls().to_list())
    heard_vehicles = set(run.frame["vehicle"].unique().to_list())
    attackers = set(run.frame.filter("attack")["vehicle"].unique().to_list())
    honest = heard_vehicles - run.attackers
    spans = (
        run.frame.filter(pl.col("vehicle").is_in(sorted(honest)))
        .group_by("vehicle")
        .agg(((pl.col("time").max() - pl.col("time").min()).dt.total_microseconds() / 3.6e9).alias("hours"))
    )
    wrong = named.filter(pl.col("vehicle").is_in(sorted(honest)) | pl.col("vehicle").is_null())
    return Tally(
        hit=int((flagged & truth).sum()),
        wrong=int((flagged & ~truth).sum()),
        missed=int((~flagged & truth).sum()),
        attackers=len(attackers),
        found=len(attackers & vehicles),
        honest=len(honest),
        named=len(honest & vehicles),
        hours=float(spans["hours"].sum()),
        alerts=dict(wrong.group_by("detector").len().iter_rows()),
    )


def evaluate(seeds: Iterable[int], workers: int, say: Callable[[str], None]) -> dict[str, dict[str, Tally]]:
    """Density -> attack -> counts over all seeds; "none" is traffic without attackers."""
    jobs = [(density, seed) for seed in seeds for density in DENSITIES]
    out: dict[str, dict[str, Tally]] = {density.name: {} for density in DENSITIES}
    for done, result in enumerate(spread(_tallies, jobs, workers), 1):
        density, seed, tallies = result["density"], result["seed"], result["tallies"]
        for name, tally in tallies.items():
            out[density].setdefault(name, Tally()).add(tally)
        worst = min((t.f1, name) for name, t in tallies.items() if name != "none")
        say(f"v2x: {done} of {len(jobs)}: {density} density, seed {seed}: F1 {worst[0]:.3f} at least ({worst[1]})")
    return out


def _tallies(density: Density, seed: int) -> dict[str, Any]:
    tallies = {}
    for model in (None, *MODELS):
        run = make_run(density, seed, model, Pseudonyms())
        tallies[model.name if model else "none"] = judge(run, *detect(run.frame, run.site, cam_detectors()))
    return {"density": density.name, "seed": seed, "tallies": tallies}


def together(tallies: Mapping[str, Tally], names: Iterable[str]) -> Tally:
    """The sum over some attacks."""
    total = Tally()
    for name in names:
        total.add(tallies[name])
    return total


def measure(seeds: Sequence[int], workers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The rows of the report.

    Args:
        seeds: of the traffic.
        workers: processes.
        say: progress, one line a run.
    """
    tallies = evaluate(seeds, workers, say)
    out: dict[str, Any] = {}
    models = {model.name: model for model in MODELS}
    for density, by_attack in tallies.items():
        rows = [
            _row(f"{models[name].number} {name}", models[name].says, t)
            for name, t in by_attack.items()
            if name != "none"
        ]
        rows.append(_row("all four of position", "", together(by_attack, POSITION)))
        rows.append(_row("all", "", together(by_attack, models)))
        out[f"{density}_density"] = rows
        calm = by_attack["none"]
        out[f"{density}_density_without_attackers"] = [
            {
                "vehicles": calm.honest,
                "hours": round(calm.hours, 2),
                "vehicles_named": calm.named,
                "alerts_a_vehicle_hour": round(sum(calm.alerts.values()) / calm.hours, 4),
                "detectors": ", ".join(f"{n} {d}" for d, n in sorted(calm.alerts.items())),
            }
        ]
    return out


def _row(attack: str, says: str, t: Tally) -> dict[str, Any]:
    return {
        "attack": attack,
        "what_is_sent": says,
        "F1": round(t.f1, 4),
        "precision": round(t.precision, 4),
        "recall": round(t.recall, 4),
        "F1_of_vehicles": round(t.f1_of_vehicles, 4),
        "attackers_found": f"{t.found} of {t.attackers}",
        "honest_vehicles_named": f"{t.named} of {t.honest}",
        "published_F1": PUBLISHED.get(attack.partition(" ")[2], None),
    }
