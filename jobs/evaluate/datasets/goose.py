"""GOOSE of a zone substation bench (CSCRC-SCREED, QUT-ZSS-2023-GOOSE): rows labelled normal, real fault or attack."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from detectors.catalog import DETECTORS
from detectors.detector import Detector
from detectors.engine import ENGINE_COLUMNS, Outcome
from detectors.local import make_engine
from detectors.site import Site, parse_site
from detectors.substation import goose_forged
from jobs.evaluate.datasets.row import Row
from schemas.project.arrow import to_arrow
from schemas.records import GOOSE

_PREFIX, _SUFFIX = "QUTZS_", "PIOC/LLN0$GO$gcb_1"
#: What the bench's description says of it: publishers, and the states that its protection may publish (a bit a breaker).
BENCH_STATES: Final = {
    ("XFMR1", "20:17:01:16:f0:23", 0x3101): ("0101", "1110"),
    ("XFMR2", "20:17:01:16:f0:32", 0x3102): ("1001", "1110"),
    ("FDR", "20:17:01:16:f0:11", 0x3103): tuple(bin(0b0100000 | trip)[2:].zfill(7) for trip in (0, 64, 16, 8, 4, 2, 1)),
}
#: Files whose name begins so have normal traffic and real faults alone.
QUIET: Final = ("0.", "101.", "102.", "103.", "104.", "105.")


def bench_site() -> Site:
    """A site file of the bench: transformers never trip together, and every feeder fault opens one breaker."""
    publishers = [
        {
            "control_block": _PREFIX + name + _SUFFIX,
            "source_mac": mac,
            "appid": appid,
            "states": [["[" + ", ".join(f"{bit == '1'}, 0" for bit in bits) + "]"] for bits in states],
        }
        for (name, mac, appid), states in BENCH_STATES.items()
    ]
    apart = [[_PREFIX + name + _SUFFIX for name in ("XFMR1", "XFMR2")]]
    return parse_site({"goose": {"publishers": publishers, "apart": apart}}, "goose_zss")


def zss(folder: Path) -> Iterator[Row]:
    """F1 over all attack rows without and with a site file; rows and alerts of normal traffic and real faults."""
    files = sorted((folder / "dev").glob("*.goose_sv.csv"))
    for name, site, wanted in (("no site file", Site(), ""), ("site file", bench_site(), "at least .9")):
        found = missed = wrong = faults = 0
        for path in files:
            rows, attack = records(path)
            outcome = run([goose_forged.DETECTOR], site, rows)
            flagged = set(outcome.flags["frames"].explode().to_list()) if len(outcome.flags) else set()
            found, missed, wrong = (
                found + len(flagged & attack),
                missed + len(attack - flagged),
                wrong + len(flagged - attack),
            )
            faults += len(flagged) if path.name.startswith(QUIET) else 0
        f1 = 2 * found / (2 * found + missed + wrong)
        what = f"goose_forged, {len(files)} files, {name}"
        yield Row("goose_zss", what, "F1", f1, wanted, f1 >= 0.9 if wanted else None)
        yield Row("goose_zss", what, "precision", found / (found + wrong), "")
        yield Row("goose_zss", what, "recall", found / (found + missed), "")
        yield Row("goose_zss", what, "flagged rows of normal traffic and real faults", faults, "0", not faults)
    own = [detector for detector in DETECTORS if detector.record is GOOSE]
    alerts = sum(len(run(own, bench_site(), records(p)[0]).alerts) for p in files if p.name.startswith(QUIET))
    yield Row("goose_zss", "all GOOSE detectors, normal traffic and real faults", "alerts", alerts, "0", not alerts)


def run(detectors: list[Detector], site: Site, batch: pl.DataFrame) -> Outcome:
    """Detectors of GOOSE over rows of `records`."""
    return make_engine(GOOSE.domain, detectors, site).step({}, {GOOSE.name: batch})


def records(path: Path) -> tuple[pl.DataFrame, set[int]]:
    """The rows of one scenario as GOOSE records, and the numbers of those that are attack (label 8xx)."""
    raw = pl.read_csv(path, infer_schema_length=0).with_row_index("number", offset=1)

    def time(name: str) -> pl.Expr:
        micros = (pl.col(name).cast(pl.Float64) * 1e6).round().cast(pl.Int64)
        return pl.from_epoch(micros, "us").dt.replace_time_zone("UTC")

    rows = raw.select(
        time("pkt arrival time").alias("time"),
        pl.lit("bench").alias("site"),
        pl.col("MACsrc_goose").alias("source_mac"),
        pl.col("MACdst_goose").alias("destination_mac"),
        pl.col("APPID_goose").str.slice(2).str.to_integer(base=16, dtype=pl.Int32).alias("appid"),
        pl.col("gocbRef").alias("control_block"),
        pl.col("datset").alias("dataset"),
        time("t").alias("state_time"),
        pl.col("stNum").cast(pl.Int64).alias("st_num"),
        pl.col("sqNum").cast(pl.Int64).alias("sq_num"),
        pl.col("confRev").cast(pl.Int64).alias("conf_rev"),
        (pl.col("simulation") == "True").alias("simulation"),
        (pl.col("ndsCom") == "True").alias("needs_commissioning"),
        pl.col("Timeallowedtolive").cast(pl.Int64).alias("allowed_to_live_ms"),
        pl.concat_list("data").alias("values"),
        pl.concat_list(pl.col("number").cast(pl.Int64)).alias("frames"),
    )
    types = pl.Schema(to_arrow(GOOSE))
    rows = rows.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in types.items() if n not in rows.columns)
    engine = [pl.lit(None, dtype=t).alias(n) for n, t in ENGINE_COLUMNS.items() if n != "_arrival"]
    rows = rows.select(types.names()).with_columns(pl.int_range(pl.len()).alias("_arrival"), *engine)
    return rows, set(raw.filter(pl.col("Label").str.starts_with("8"))["number"].to_list())
