"""Captures through the tap and the detectors of their domain."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from detectors.catalog import of_domain
from detectors.engine import Outcome
from detectors.local import frame, make_engine
from detectors.site import Site
from ingest.source import Record
from ingest.tap import read_capture
from jobs.learn import Sums
from schemas.types import Domain

SITE = "bench"


def records(path: Path) -> list[Record]:
    """The records of a capture."""
    return [item for item in read_capture(path, SITE) if isinstance(item, Record)]


def frames(found: Sequence[Record]) -> dict[str, pl.DataFrame]:
    """Records as a batch of the engine."""
    out = {}
    for schema in {record.schema.name: record.schema for record in found}.values():
        own = [(i, record.fields) for i, record in enumerate(found) if record.schema is schema]
        out[schema.name] = frame(schema, [fields for _, fields in own], [i for i, _ in own])
    return out


def run(found: Sequence[Record], site: Site, domain: Domain = Domain.SUBSTATION) -> Outcome:
    """All detectors of a domain over records."""
    return make_engine(domain, of_domain(domain, site), site).step({}, frames(found))


def learned(found: Sequence[Record]) -> Site:
    """The site file that `gridwatch learn` makes of records."""
    sums = Sums()
    for record in {record.schema.name: record.schema for record in found}.values():
        own = [r.fields for r in found if r.schema is record]
        sums.add(record, frame(record, own, range(len(own))))
    return Site.model_validate({"name": SITE, **sums.facts()})
