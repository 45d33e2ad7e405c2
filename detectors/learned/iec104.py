"""IEC 60870-5-104: who controls whom, the commands, the files that are fetched, and the objects that each station reports."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import polars as pl

from detectors.iec104 import MONITORED, PARAMETERS, SETPOINTS, SWITCHING, said
from detectors.learned.learner import MOST, Learner
from schemas.records import IEC104

#: TCP port of controlled stations.
PORT = 2404
#: Types whose values the site file bounds by what was seen.
VALUED = (*SETPOINTS, *PARAMETERS[:3])
UNKNOWN_CAUSES = (44, 45, 46, 47)
BY = ["what", "source", "destination", "type_id", "common_address", "object_address", "select"]
#: What an APDU is: a sign of a controlling station, a command, a report, a file transfer.
CONTROL, COMMAND, REPORT, FILE = "control", "command", "report", "file"


def gather(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different APDU of each kind; what does not matter for the kind is null."""
    kind, cause = pl.col("type_id"), pl.col("cause")
    what = (
        pl.when(said(kind.is_in((*SWITCHING, *SETPOINTS, *PARAMETERS)) & (cause == 6)))
        .then(pl.lit(COMMAND))
        .when(said(kind.is_in(MONITORED) & ~cause.is_in(UNKNOWN_CAUSES)))
        .then(pl.lit(REPORT))
        .when(said(kind >= 120))
        .then(pl.lit(FILE))
        .when((pl.col("destination_port") == PORT) | said(kind.is_between(45, 127) & cause.is_in([5, 6, 8])))
        .then(pl.lit(CONTROL))
    )

    def only(name: str, *kinds: str) -> pl.Expr:
        return pl.when(pl.col("what").is_in(kinds)).then(name).otherwise(None).alias(name)

    return (
        frame.with_columns(what.alias("what"))
        .filter(pl.col("what").is_not_null())
        .with_columns(
            only("destination", FILE),
            only("type_id", COMMAND, REPORT),
            only("common_address", COMMAND, REPORT),
            only("object_address", COMMAND, REPORT),
            only("select", COMMAND),
        )
        .group_by(BY, maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("number"),
            pl.col("value").min().alias("low"),
            pl.col("value").max().alias("high"),
        )
    )


def combine(frame: pl.DataFrame) -> pl.DataFrame:
    """A row a different APDU, over several batches."""
    return frame.group_by(BY, maintain_order=True).agg(
        pl.col("number").sum(), pl.col("low").min(), pl.col("high").max()
    )


def facts(sums: pl.DataFrame) -> Mapping[str, Any]:
    """`iec104` and `baseline.objects`."""
    sums = sums.sort(BY).head(MOST)

    def of(*kinds: str) -> pl.DataFrame:
        return sums.filter(pl.col("what").is_in(kinds))

    commands, files = of(COMMAND), of(FILE).select("source", "destination").unique().sort("source", "destination")
    allowed = []
    keys = ["source", "common_address", "object_address", "type_id"]
    for key, own in commands.group_by(keys, maintain_order=True):
        selects, executes = own["select"].fill_null(False).any(), (~own["select"].fill_null(False)).any()
        allowed.append(
            {
                **dict(zip(keys, key, strict=True)),
                **({"select_before_operate": True} if selects and executes else {}),
                **(
                    {"low": own["low"].min(), "high": own["high"].max()}
                    if key[3] in VALUED and own["low"].min() is not None
                    else {}
                ),
            }
        )
    facts: dict[str, Any] = {
        "masters": of(CONTROL, COMMAND)["source"].unique().sort().to_list(),
        "outstations": of(REPORT)["source"].unique().sort().to_list(),
        "commands": allowed,
    }
    if len(files):
        facts["files"] = [{"master": a, "outstation": b} for a, b in files.iter_rows()]
    return {"iec104": facts, "baseline": {"objects": _runs(of(REPORT))}}


def _runs(reports: pl.DataFrame) -> list[dict[str, Any]]:
    keys = ["source", "common_address", "type_id"]
    runs = []
    for key, own in reports.group_by(keys, maintain_order=True):
        addresses = own["object_address"].drop_nulls().unique().sort().to_list()
        # Neighbours rise with their position in the list: what is left is the same within a run.
        for _, run in groupby(enumerate(addresses), lambda pair: pair[1] - pair[0]):
            members = [address for _, address in run]
            runs.append({**dict(zip(keys, key, strict=True)), "first": members[0], "last": members[-1]})
    return runs


LEARNER = Learner(IEC104, gather, combine, facts)
