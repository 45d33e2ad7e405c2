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
from schemas.types import LATEST_US, MAX_MESSAGE, ListOf, Scalar, Schema
from schemas.wire import HEADER, MARKER, TIME_RANGE

#: The value of the field behind the record: drawn anew by every driver, since whoever knew it could hide bytes behind it.
_END: Final = 2**61 + secrets.randbelow(2**61)


def decode(
    batch: DataFrame,
    columns: Mapping[Schema, Sequence[str]],
    writers: Mapping[bytes, tuple[Schema, str]],
    buckets: int,
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
    """The projections, one on the other, so that nothing is said twice: what is decoded, what is sound, the reason, the result.

    They are made by hundreds of calls to the JVM and are the same for every batch.
    """
    columns, writers = dict(wanted_of), dict(known)
    place = list(map(F.col, ("partition", "offset", "tick", "tick_bucket", "value")))
    records = [F.col(schema.name) for schema in columns]
    decoded = [*place, F.unix_micros("timestamp").alias("broker"), *_decoded(columns, writers)]
    judged = [*place, F.col("broker"), *records, *_judged(columns)]
    reason = _reason(columns, writers).alias("reason")
    reasoned = [*place, F.col("broker"), *records, F.col("_whole"), F.col("_mangled"), reason]
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
        # No more than this: with conditions here the method that Spark generates is too large for Java to compile (8,000 bytes),
        # and decoding takes twice the time.
        F.length(value).alias(WEIGHT),
        F.when(bad, F.array(refused)).alias(REFUSED),
        *(
            F.when(~bad & record.isNotNull(), F.array(record)).alias(s.name)
            for s, record in zip(columns, records, strict=True)
        ),
    ]
    return decoded, judged, reasoned, result


def _decoded(columns: Mapping[Schema, Sequence[str]], writers: Mapping[bytes, tuple[Schema, str]]) -> list[Column]:
    """A struct column a record type: nulls where the body is broken, null where the message is none of it."""
    value = F.col("value")
    ended = F.concat(F.expr(f"substring(value, {HEADER + 1})"), F.lit(_zigzag(_END)))
    structs = []
    for schema, wanted in columns.items():
        case = F.lit(None)
        for fingerprint, (writer, text) in writers.items():
            if writer is schema:
                options = {"mode": "PERMISSIVE", "avroSchema": reader_schema(schema, wanted)}
                hit = (F.length(value) <= MAX_MESSAGE) & (_mark() == _bytes(MARKER + fingerprint))
                case = F.when(hit, from_avro(ended, _with_end(json.loads(text)), options)).otherwise(case)
        structs.append(case.alias(schema.name))
    return structs


def _judged(columns: Mapping[Schema, Sequence[str]]) -> list[Column]:
    """`_whole`: the record ends where its bytes end. `_mangled`: text that is none. `_untimely`: a time out of range."""
    fields = [(schema, name) for schema, wanted in columns.items() for name in wanted]
    whole = (F.col(schema.name)[END] == _END for schema in columns)
    mangled = (~_is_text(schema, name) for schema, name in fields)
    untimely = (
        ~F.unix_micros(F.col(schema.name)[name]).between(0, LATEST_US - 1)
        for schema, name in fields
        if schema[name].type is Scalar.TIME
    )
    return [_any(whole).alias("_whole"), _any(mangled).alias("_mangled"), _any(untimely).alias("_untimely")]


def _reason(columns: Mapping[Schema, Sequence[str]], writers: Mapping[bytes, tuple[Schema, str]]) -> Column:
    """Why a message is refused; null for a sound record and for a tick."""
    ours = [m for m, (schema, _) in writers.items() if schema in columns]
    others = [m for m, (schema, _) in writers.items() if schema not in columns]
    value, whole, untimely = F.col("value"), F.col("_whole") & ~F.col("_mangled"), F.col("_untimely")
    return (
        F.when(F.col("tick").isNotNull() | (whole & ~untimely), F.lit(None))
        .when(whole, F.lit(TIME_RANGE))
        .when(value.isNull() | (F.length(value) == 0), F.lit("empty"))
        .when(F.length(value) > MAX_MESSAGE, F.lit("oversized"))
        .when(
            (F.length(value) < HEADER) | (F.substring(value, 1, len(MARKER)) != _bytes(MARKER)),
            F.lit("not single-object Avro"),
        )
        .when(_among(ours), F.lit("broken body"))
        .when(_among(others), F.lit("wrong topic"))
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
    match schema[name].type:
        case Scalar.STRING:
            return F.is_valid_utf8(column)
        case ListOf(Scalar.STRING):
            return F.forall(column, F.is_valid_utf8)
        case _:
            return F.lit(True)


def _bucket(columns: Mapping[Schema, Sequence[str]], buckets: int) -> Column:
    """As `jobs.buckets.bucket_of`."""
    locality = F.coalesce(*(F.col(s.name)[s.locality] for s in columns))
    return (F.crc32(locality.cast("binary")) % buckets).cast("int")


def _spread(buckets: int) -> Column:
    """Any bucket: that of a dead letter is of no meaning."""
    return ((F.col("partition") + F.col("offset")) % buckets).cast("int")


def _mark() -> Column:
    return F.substring(F.col("value"), 1, HEADER)


def _bytes(value: bytes) -> Column:
    return F.lit(bytearray(value))


def _any(conditions: Iterable[Column]) -> Column:
    """Whether one of them is true; null counts as false."""
    return reduce(lambda a, b: a | b, (F.coalesce(c, F.lit(False)) for c in conditions), F.lit(False))


def _among(fingerprints: Sequence[bytes]) -> Column:
    return _mark().isin([bytearray(MARKER + f) for f in fingerprints]) if fingerprints else F.lit(False)
