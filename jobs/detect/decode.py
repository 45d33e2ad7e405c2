"""Wire bytes -> one struct column a record type, the bucket, and the reason why a message is refused: plain Spark, no Python.

Spark's Avro decoder says of a broken body nothing but nulls, and does not mind bytes left over behind a record. So every body
is decoded with a number of our own behind it, as one field more of the writer's schema: a record that ends where its bytes
end, and only such a one, gives that number back.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from jobs.detect.columns import END
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
        batch: topic, partition, offset, timestamp, value, tick (microseconds, null for records), tick_bucket.
        columns: record type of the domain -> the columns to decode.
        writers: fingerprint -> record type and writer's schema, of every known type (another domain's is refused).
        buckets: number of buckets.

    Returns:
        `jobs.detect.columns.META`, `bucket` and a struct column a record type: not null where the message is a sound record of
        that type, and nowhere else.
    """
    value = F.col("value")
    mark, body = F.substring(value, 1, HEADER), F.expr(f"substring(value, {HEADER + 1})")
    ended = F.concat(body, F.lit(_zigzag(_END)))
    small = F.length(value) <= MAX_MESSAGE
    structs: list[Column] = []
    for schema, wanted in columns.items():
        case = F.lit(None)
        for fingerprint, (writer, text) in writers.items():
            if writer is schema:
                options = {"mode": "PERMISSIVE", "avroSchema": reader_schema(schema, wanted)}
                decoded = from_avro(ended, _with_end(json.loads(text)), options)
                hit = small & (mark == F.lit(bytearray(MARKER + fingerprint)))
                case = F.when(hit, decoded).otherwise(case)
        structs.append(case.alias(schema.name))
    broker = F.unix_micros("timestamp").alias("broker")
    decoded_batch = batch.select("topic", "partition", "offset", broker, "tick", "tick_bucket", "value", *structs)

    whole = _any(_is(F.col(schema.name)[END] == _END) for schema in columns)
    mangled = _any(_is(~_is_text(schema, name)) for schema, wanted in columns.items() for name in wanted)
    wrong_time = _any(
        _is(~F.unix_micros(F.col(schema.name)[name]).between(0, LATEST_US - 1))
        for schema, wanted in columns.items()
        for name in wanted
        if schema[name].type is Scalar.TIME
    )
    ours = [m for m, (schema, _) in writers.items() if schema in columns]
    others = [m for m, (schema, _) in writers.items() if schema not in columns]
    sound = whole & ~mangled & ~wrong_time
    reason = (
        F.when(F.col("tick").isNotNull() | sound, F.lit(None))
        .when(value.isNull() | (F.length(value) == 0), F.lit("empty"))
        .when(~small, F.lit("oversized"))
        .when((F.length(value) < HEADER) | (F.substring(value, 1, 2) != _bytes(MARKER)), "not single-object Avro")
        .when(whole & wrong_time & ~mangled, F.lit(TIME_RANGE))
        .when(_among(mark, ours), F.lit("broken body"))
        .when(_among(mark, others), F.lit("wrong topic"))
        .otherwise(F.lit("unknown fingerprint"))
    )
    detail = F.when(whole & mangled, F.lit("text is not UTF-8"))
    place = F.coalesce(F.col("tick_bucket"), F.when(sound, _bucket(columns, buckets)), _spread(buckets))
    return decoded_batch.select(
        place.alias("bucket"),
        "topic",
        "partition",
        "offset",
        "broker",
        "tick",
        reason.alias("reason"),
        detail.alias("detail"),
        F.when(reason.isNotNull(), F.substring(value, 1, KEPT_BYTES)).alias("raw"),
        F.when(reason.isNotNull(), F.length(value)).alias("length"),
        *(F.when(reason.isNull(), F.col(schema.name)).alias(schema.name) for schema in columns),
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


def _bytes(value: bytes) -> Column:
    return F.lit(bytearray(value))


def _is(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False))


def _any(conditions: Any) -> Column:
    return reduce(lambda a, b: a | b, conditions, F.lit(False))


def _among(mark: Column, fingerprints: Sequence[bytes]) -> Column:
    return mark.isin([bytearray(MARKER + f) for f in fingerprints]) if fingerprints else F.lit(False)
