"""Wire bytes -> one column a record type, the bucket, and the reason why a message is refused: plain Spark, no Python.

Spark's Avro decoder says of a broken body nothing but nulls, and does not mind bytes left over behind a record. So every body
is decoded with a number of our own behind it, as one field more of the writer's schema: a record that ends where its bytes
end, and only such a one, gives that number back.

A row holds a record of one type, or a refusal, or a tick. Each of them is a list of none or one on its way to Python: of an
absent struct Spark would write every field.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from jobs.detect.columns import END, PLACE, REFUSED, WEIGHT
from schemas.project.avro import to_avro
from schemas.records.deadletter import KEPT_BYTES
from schemas.types import EVERYWHERE, LATEST_US, MAX_MESSAGE, ListOf, Scalar, Schema
from schemas.wire import HEADER, MARKER, TIME_RANGE

#: The value of the field behind the record: drawn anew by every driver, since whoever knew it could hide bytes behind it.
_END: Final = 2**61 + secrets.randbelow(2**61)


def decode(
    batch: DataFrame, columns: Mapping[Schema, Sequence[str]], writers: Mapping[bytes, tuple[Schema, str]], buckets: int
) -> DataFrame:
    """Decode a micro-batch.

    Fields that no detector reads are skipped, not looked at: there, other than `schemas.wire.Decoder`, text that is not UTF-8
    and times out of range pass unseen.

    Args:
        batch: partition, offset, timestamp, value, tick (microseconds, null for records), tick_bucket.
        columns: record type of the domain -> the columns to decode.
        writers: fingerprint -> record type and writer's schema, of every known type (another domain's is refused).
        buckets: number of buckets.

    Returns:
        `bucket`, `tick`, PLACE, WEIGHT and REFUSED of `jobs.detect.columns`, and a list column a record type: of one struct where the
        message is a sound record of that type, null elsewhere.
    """
    stages = _stages(tuple((s, tuple(names)) for s, names in columns.items()), tuple(writers.items()), buckets)
    return reduce(lambda frame, stage: frame.select(*stage), stages, batch)


@lru_cache(maxsize=8)
def _stages(
    wanted_of: tuple[tuple[Schema, tuple[str, ...]], ...],
    known: tuple[tuple[bytes, tuple[Schema, str]], ...],
    buckets: int,
) -> tuple[list[Column], ...]:
    """The projections, one on the other, so that nothing is said twice: what kind it is, what is decoded, what is sound, the
    reason, the result.

    A row asks for its kind once, a number, and every column of another kind costs it one comparison: what a message costs hardly
    hangs on how many record types there are. They are made by hundreds of calls to the JVM and are the same for every batch.
    """
    columns, writers = dict(wanted_of), dict(known)
    place = list(map(F.col, ("partition", "offset", "tick", "tick_bucket", "value")))
    records = [F.col(schema.name) for schema in columns]
    kinds = [*place, F.unix_micros("timestamp").alias("broker"), _writer(writers).alias("_writer")]
    decoded = [*place, F.col("broker"), F.col("_writer"), _kind(columns, writers), *_decoded(columns, writers)]
    judged = [*place, *map(F.col, ("broker", "_writer", "_kind")), *records, *_judged(columns)]
    reasoned = [*place, *map(F.col, ("broker", "_kind", "_whole", "_mangled")), *records, _reason().alias("reason")]
    bad, value = F.col("reason").isNotNull(), F.col("value")
    bucket = F.coalesce(F.col("tick_bucket"), F.when(~bad, _bucket(columns, buckets)), _spread(buckets))
    refused = F.struct(
        "reason",
        F.when(F.col("_whole") & F.col("_mangled"), F.lit("text is not UTF-8")).alias("detail"),
        F.substring(value, 1, KEPT_BYTES).alias("raw"),
        F.length(value).alias("length"),
    )
    result = [
        bucket.alias("bucket"),
        *map(F.col, (*PLACE, "tick")),
        # No more than this: it is computed for every record.
        F.length(value).alias(WEIGHT),
        F.when(bad, F.array(refused)).alias(REFUSED),
        *(
            F.when(~bad & (F.col("_kind") == number), F.array(record)).alias(s.name)
            for number, (s, record) in enumerate(zip(columns, records, strict=True))
        ),
    ]
    return kinds, decoded, judged, reasoned, result


#: What `_writer` says of a message that no writer's schema of ours begins.
_FOREIGN, _UNKNOWN = -1, -2


def _writer(writers: Mapping[bytes, tuple[Schema, str]]) -> Column:
    """The number of the writer's schema, by the fingerprint; null for a tick, an empty and an oversized message, and for what is not
    single-object Avro."""
    value = F.col("value")
    mark = F.substring(value, 1, HEADER)
    numbers = F.create_map(*(x for n, f in enumerate(writers) for x in (F.hex(_bytes(MARKER + f)), F.lit(n))))
    sound = F.length(value).between(HEADER, MAX_MESSAGE) & (F.substring(value, 1, len(MARKER)) == _bytes(MARKER))
    return F.when(sound, F.coalesce(F.element_at(numbers, F.hex(mark)), F.lit(_UNKNOWN)))


def _kind(columns: Mapping[Schema, Sequence[str]], writers: Mapping[bytes, tuple[Schema, str]]) -> Column:
    """The number of the record type of the domain; `_FOREIGN` for one of another domain."""
    number = {schema: n for n, schema in enumerate(columns)}
    kinds = F.array(*(F.lit(number.get(schema, _FOREIGN)) for schema, _ in writers.values()))
    return F.when(F.col("_writer") >= 0, F.get(kinds, F.col("_writer"))).alias("_kind")


def _decoded(columns: Mapping[Schema, Sequence[str]], writers: Mapping[bytes, tuple[Schema, str]]) -> list[Column]:
    """A struct column a record type: nulls where the body is broken, null where the message is none of it."""
    ended = F.concat(F.expr(f"substring(value, {HEADER + 1})"), F.lit(_zigzag(_END)))
    structs = []
    for schema, wanted in columns.items():
        case = F.lit(None)
        for number, (writer, text) in enumerate(writers.values()):
            if writer is schema:
                options = {"mode": "PERMISSIVE", "avroSchema": reader_schema(schema, wanted)}
                hit = F.col("_writer") == number
                case = F.when(hit, from_avro(ended, _with_end(json.loads(text)), options)).otherwise(case)
        structs.append(case.alias(schema.name))
    return structs


def _judged(columns: Mapping[Schema, Sequence[str]]) -> list[Column]:
    """`_whole`: the record ends where its bytes end. `_mangled`: text that is none. `_untimely`: a time out of range."""

    def untimely(schema: Schema, name: str) -> Column:
        return ~F.unix_micros(F.col(schema.name)[name]).between(0, LATEST_US - 1)

    whole = [F.coalesce(F.col(schema.name)[END] == _END, F.lit(False)) for schema in columns]
    mangled = [
        _any(~_is_text(schema, n) for n in wanted if _holds_text(schema, n)) for schema, wanted in columns.items()
    ]
    late = [_any(untimely(s, n) for n in wanted if s[n].type is Scalar.TIME) for s, wanted in columns.items()]
    return [
        _of_kind(conditions).alias(name)
        for name, conditions in (("_whole", whole), ("_mangled", mangled), ("_untimely", late))
    ]


def _of_kind(conditions: Sequence[Column]) -> Column:
    """The condition of the message's kind; false where it is of none."""
    case = F.when(F.col("_kind") == 0, conditions[0])
    for number, condition in enumerate(conditions[1:], 1):
        case = case.when(F.col("_kind") == number, condition)
    return case.otherwise(F.lit(False))


def _reason() -> Column:
    """Why a message is refused; null for a sound record and for a tick."""
    value, whole, untimely = F.col("value"), F.col("_whole") & ~F.col("_mangled"), F.col("_untimely")
    return (
        F.when(F.col("tick").isNotNull() | (whole & ~untimely), F.lit(None))
        .when(whole, F.lit(TIME_RANGE))
        .when(value.isNull() | (F.length(value) == 0), F.lit("empty"))
        .when(F.length(value) > MAX_MESSAGE, F.lit("oversized"))
        .when(F.col("_writer").isNull(), F.lit("not single-object Avro"))
        .when(F.col("_kind") >= 0, F.lit("broken body"))
        .when(F.col("_kind") == _FOREIGN, F.lit("wrong topic"))
        .otherwise(F.lit("unknown fingerprint"))
    )


def reader_schema(schema: Schema, columns: Sequence[str]) -> str:
    """The Avro schema (JSON) of only the columns that detectors read: Avro skips the others without decoding them."""
    avro = to_avro(schema)
    avro["fields"] = [{k: v for k, v in f.items() if k != "doc"} for f in avro["fields"] if f["name"] in columns]
    return _with_end(avro)


def _with_end(avro: dict[str, Any]) -> str:
    return json.dumps({**avro, "fields": [*avro["fields"], {"name": END, "type": "long"}]})


def _zigzag(number: int) -> bytearray:
    """A positive long as Avro writes it."""
    rest, out = number << 1, bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return out + bytes([rest])


def _is_text(schema: Schema, name: str) -> Column:
    column = F.col(schema.name)[name]
    return F.forall(column, F.is_valid_utf8) if isinstance(schema[name].type, ListOf) else F.is_valid_utf8(column)


def _holds_text(schema: Schema, name: str) -> bool:
    return schema[name].type in (Scalar.STRING, ListOf(Scalar.STRING))


def _bucket(columns: Mapping[Schema, Sequence[str]], buckets: int) -> Column:
    """As `jobs.buckets.bucket_of`."""
    locality = F.coalesce(
        *(
            F.when(F.col("_kind") == n, F.lit(EVERYWHERE) if s.across else F.col(s.name)[s.locality])
            for n, s in enumerate(columns)
        )
    )
    return (F.crc32(locality.cast("binary")) % buckets).cast("int")


def _spread(buckets: int) -> Column:
    """Any bucket: that of a dead letter is of no meaning."""
    return ((F.col("partition") + F.col("offset")) % buckets).cast("int")


def _bytes(value: bytes) -> Column:
    return F.lit(bytearray(value))


def _any(conditions: Iterable[Column]) -> Column:
    """Whether one of them is true; null counts as false."""
    return reduce(lambda a, b: a | b, (F.coalesce(c, F.lit(False)) for c in conditions), F.lit(False))
