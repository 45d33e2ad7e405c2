"""What a detector is: one literal that says everything, of one of five kinds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import polars as pl

from detectors.memory.base import Beside
from detectors.profiles.threat import Severity, Threat
from detectors.site import Site
from schemas.types import Schema


class Confidence(Enum):
    """OCSF confidence_id of a Detection Finding (class 2004)."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True)
class Firing:
    """When a detector fires, over the record and its memories.

    Multiply by a constant instead of dividing by it: Polars rounds the division of a single row otherwise than that of
    many, and verdicts must not hang on where the stream is cut.

    Args:
        when: boolean expression. A null is an error of the rule, not "no alert": say what an absent field means.
        memories: the memories that `when` and `values` read, also those of records of another type (`LastOf`).
        values: numbers for the sentences of the detector, by the name used there.
        trail: memories of references (`Recent`, `Last` or `LastOf` of `REFERENCE`) that belong to the evidence.
    """

    when: pl.Expr
    memories: tuple[Beside, ...] = ()
    values: Mapping[str, pl.Expr] = field(default_factory=dict)
    trail: tuple[Beside, ...] = ()


Build = Callable[[Any, Site], Firing]


@dataclass(frozen=True)
class Row:
    """Fires on one record alone: all row rules of a record type run in one `select`."""

    build: Build


@dataclass(frozen=True)
class Remembering:
    """Fires on a record and the memories of its past."""

    build: Build


@dataclass(frozen=True)
class Model:
    """Fires where a learned model's score of a record's features passes a threshold.

    Args:
        reference: name of the model: `detectors/models/<reference>.skops` with its card beside it.
        features: (params, site) -> feature name -> expression, with the memories they read.
    """

    reference: str
    features: Callable[[Any, Site], "Features"]


@dataclass(frozen=True)
class Features:
    """A model's features over the record and its memories; a record with a null feature is not scored."""

    columns: Mapping[str, pl.Expr]
    memories: tuple[Beside, ...] = ()
    values: Mapping[str, pl.Expr] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """Fires when too many keys of a group are silent at once (`detectors.silence`).

    Args:
        key: field whose values are watched, e.g. meter.
        group: field that groups them, e.g. transformer; the detector's record must carry both.
        settings: (params, site) -> the numbers.
        excuses: record type whose records excuse a key (an outage that the meter itself reports), and when; it must
            carry `key` and `group` too.
    """

    key: str
    group: str
    settings: Callable[[Any, Site], "SilenceSettings"]
    excuses: tuple[Schema, pl.Expr] | None = None


@dataclass(frozen=True)
class SilenceSettings:
    """Numbers of a `Silence`.

    Args:
        intervals: a key is silent after this many of its own learned intervals without a record.
        least_s: and at least this long, seconds.
        share: of the group's keys that must be silent, 0 to 1.
        least_keys: smaller groups are not judged.
    """

    intervals: float
    least_s: float
    share: float
    least_keys: int


StepFunction = Callable[[pl.DataFrame | None, pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]


@dataclass(frozen=True)
class Step:
    """A vectorised step of its own, for what no memory says.

    Args:
        build: (params, site) -> function (state or None, records in arrival order) -> (state, hits). Hits have the
            column `_row` (row of the batch) and the columns that the detector's sentences name. The function has no
            clock and no randomness, works over all keys at once, and bounds its state. The state's first column is the
            record's locality, by which it is split into buckets.
        columns: fields of the record that it reads.
        hits: columns of the hits beside `_row`.
        beside: another record type of the same locality, with the fields that are read of it. The function then sees the records
            of both on one line, in arrival order, with the type in `_record`; what a type lacks is null, and so is `_row`
            of the other one's: it cannot fire.
    """

    build: Callable[[Any, Site], StepFunction]
    columns: tuple[str, ...]
    hits: tuple[str, ...] = ()
    beside: tuple[Schema, tuple[str, ...]] | None = None


Kind = Row | Remembering | Model | Silence | Step


@dataclass(frozen=True)
class Example:
    """Records (fields that matter; the rest is filled in) and whether the detector must fire on them.

    Args:
        says: what the example shows.
        records: in arrival order; `time` as seconds from the example's start.
        fires: how many alerts are expected.
        site: site facts, as in a site file.
    """

    says: str
    records: tuple[Mapping[str, Any], ...]
    fires: int
    site: Mapping[str, Any] = field(default_factory=dict)


def fires_on(
    says: str, records: Sequence[Mapping[str, Any]], alerts: int = 1, site: Mapping[str, Any] | None = None
) -> Example:
    """An example on which the detector fires."""
    return Example(says, tuple(records), alerts, site or {})


def quiet_on(says: str, records: Sequence[Mapping[str, Any]], site: Mapping[str, Any] | None = None) -> Example:
    """An example on which it stays quiet."""
    return Example(says, tuple(records), 0, site or {})


@dataclass(frozen=True)
class Parties:
    """Whom an alert concerns, by the fields of the record that name them; "" where the record does not tell.

    Args:
        kind: kind of the asset concerned, e.g. "meter".
        entity: names the asset.
        source: names who acted.
        destination: names on whom.
    """

    kind: str
    entity: str
    source: str = ""
    destination: str = ""


@dataclass(frozen=True)
class Detector:
    """A detector. What is not said here is not known; only what it needs may be nothing.

    Args:
        id: the name of its file.
        version: raised whenever the same record could give another verdict.
        threat: the threat it serves.
        record: record type that it reads.
        kind: how it runs.
        params: its parameters, a frozen dataclass with units in the field names and defaults.
        severity: of its alerts.
        confidence: of its alerts.
        parties: whom its alerts concern.
        dedup: fields, or columns of the hits, under which alerts are one incident.
        episode_s: firings of one dedup key within this time of the first belong to the first one's alert, seconds.
        says: one sentence for the operator; {name} is a field of the record or a value of the firing.
        observed: what was observed, with units, in the same way.
        expected: what was expected, with units, in the same way.
        runbook: what to do, step by step.
        tolerance: what disorder and late records do to it.
        examples: at least one that fires and one that stays quiet.
        needs: site facts without which it cannot run, by their path in the site file; it is off, and said to be,
        without.
    """

    id: str
    version: int
    threat: Threat
    record: Schema
    kind: Kind
    params: type
    severity: Severity
    confidence: Confidence
    parties: Parties
    dedup: tuple[str, ...]
    episode_s: float
    says: str
    observed: str
    expected: str
    runbook: tuple[str, ...]
    tolerance: str
    examples: tuple[Example, ...]
    needs: tuple[str, ...] = ()
