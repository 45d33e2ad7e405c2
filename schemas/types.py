"""The types a field may have, and what a schema is made of.

A type here is a plain value: every projection (Avro, Arrow, Spark, PostgreSQL) reads it and nothing else, so no type is
written down twice.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Scalar(Enum):
    """The scalar types of the contract."""

    STRING = "string"
    INT = "int"  # 32 bits, signed
    LONG = "long"  # 64 bits, signed
    DOUBLE = "double"  # IEEE 754, 64 bits
    BOOL = "bool"
    BYTES = "bytes"
    TIME = "time"  # UTC, microseconds since 1970-01-01


@dataclass(frozen=True)
class ListOf:
    """A list of one scalar type; its items are never null."""

    item: Scalar


Type = Scalar | ListOf

#: Longest string or byte string (bytes) and longest list (items) that a decoder accepts in any field.
MAX_BYTES = 65_536
MAX_ITEMS = 4_096
#: Longest wire message (bytes) that a decoder looks at; a longer one is a dead letter without being decoded.
MAX_MESSAGE = 262_144
#: Times of records lie from 1970 on and before this (2200-01-01), microseconds: others come from broken or hostile input.
LATEST_US = 7_258_118_400_000_000
#: The one locality of the records of a schema that is `across`.
EVERYWHERE: Final = "everywhere"


@dataclass(frozen=True)
class Field:
    """One field of a record.

    Args:
        name: the field's standard term, snake case.
        type: scalar or list of scalars.
        says: the meaning, one sentence.
        unit: SI symbol or the unit in words; "" where the field has none.
        nullable: True where a source may not know the value.
        low, high: bounds of a number that a source accepts, both included; None where the type alone bounds it.
        one_of: the only texts that a source accepts; () for any.
        example: a typical value, for those who write exporters; None leaves one to be made up.
    """

    name: str
    type: Type
    says: str
    unit: str = ""
    nullable: bool = False
    low: float | None = None
    high: float | None = None
    one_of: tuple[str, ...] = ()
    example: str | float | bool | tuple[str, ...] | None = None


class Domain(Enum):
    """The domains: each has one topic and one detection query, but SYSTEM, which nothing is detected in."""

    METER = "meter"
    SUBSTATION = "substation"
    VEHICLE = "vehicle"
    NETWORK = "network"  # sensor, home, mobile, multicast and IPTV networks
    CORRELATION = "correlation"  # alerts, in which further alerts are found
    SYSTEM = "system"  # dead letters

    @property
    def observed(self) -> bool:
        """True where sources publish telemetry."""
        return self not in (Domain.CORRELATION, Domain.SYSTEM)

    @property
    def topic(self) -> str:
        """The Kafka topic that carries this domain's telemetry; of correlation the alerts."""
        return "alerts" if self is Domain.CORRELATION else f"telemetry.{self.value}"


#: The domains with telemetry of their own.
TELEMETRY_DOMAINS: Final[tuple[Domain, ...]] = tuple(domain for domain in Domain if domain.observed)


@dataclass(frozen=True)
class Schema:
    """A record type: the contract between sources, topics, detectors and stores.

    Args:
        name: the record's name on the wire, in the lake and in PostgreSQL.
        domain: where it belongs.
        says: what one record is.
        fields: in wire order; new fields are appended at the end and nullable.
        locality: the field within whose values detectors need each other's records: the Kafka key.
        identity: fields that tell two records of the same entity and time apart; part of an alert's id.
        version: raised with every change of the fields.
        remembered_s: silence after which the past of a key of this record type no longer counts, seconds.
        across: True where detectors need the records of all localities together, in one line: its topic has one partition, and one
            bucket sees them all. Only for what is rare.
    """

    name: str
    domain: Domain
    says: str
    fields: tuple[Field, ...]
    locality: str
    identity: tuple[str, ...]
    version: int = 1
    remembered_s: float = 14 * 86_400.0
    across: bool = False
    _index: dict[str, Field] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        index = {f.name: f for f in self.fields}
        if len(index) != len(self.fields):
            raise ValueError(f"schema {self.name}: a field name stands twice")
        for name in (self.locality, *self.identity):
            if name not in index:
                raise ValueError(f"schema {self.name}: {name} is not one of its fields")
        object.__setattr__(self, "_index", index)

    def __hash__(self) -> int:
        # Schemas are keys of caches on the path of every record: hashing all fields each time costs more than encoding.
        return hash((self.name, self.version))

    def __getitem__(self, name: str) -> Field:
        return self._index[name]

    def __contains__(self, name: object) -> bool:
        return name in self._index

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in wire order."""
        return tuple(f.name for f in self.fields)


def origin() -> tuple[Field, ...]:
    """The two fields that end every telemetry record: where a file-borne record stands, as evidence."""
    return (
        Field("capture", Scalar.STRING, "name of the capture or log file the record was read from", nullable=True),
        Field(
            "frames",
            ListOf(Scalar.LONG),
            "frame numbers (capture) or line numbers (log, CSV) in that file, counted from 1",
            nullable=True,
        ),
    )
