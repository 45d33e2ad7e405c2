"""Logs of CAN buses through all detectors of CAN frames."""

import gzip
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from detectors.catalog import DETECTORS
from detectors.engine import Outcome
from detectors.local import frame, make_engine
from detectors.site import Site
from ingest.can import read_candump
from ingest.source import Record
from schemas.records import CAN_FRAME


def frames(path: Path) -> pl.DataFrame:
    """The frames of a compressed log, each with the number of its line."""
    with gzip.open(path) as stream:
        items = [i for i in read_candump(cast(BinaryIO, stream), "vehicle", path.name) if isinstance(i, Record)]
    return frame(CAN_FRAME, [item.fields for item in items], range(len(items)))


def run(site: Site, batch: pl.DataFrame) -> Outcome:
    """All detectors of CAN frames over frames."""
    every = [detector for detector in DETECTORS if detector.record is CAN_FRAME]
    return make_engine(CAN_FRAME.domain, every, site).step({}, {CAN_FRAME.name: batch})


def flagged(outcome: Outcome, detector: str = "") -> set[int]:
    """Numbers of the frames that took part in the firings of a detector, or of any."""
    if not len(outcome.flags):
        return set()
    own = outcome.flags.filter(pl.col("detector") == detector) if detector else outcome.flags
    return set(own["frames"].explode().to_list())


def numbers(batch: pl.DataFrame) -> set[int]:
    """Numbers of frames."""
    return set(batch["frames"].explode().to_list())
