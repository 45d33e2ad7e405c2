"""Wire bytes -> one struct column a record type, the bucket, and the reason why a message is refused: plain Spark, no Python."""

import json
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro

from schemas.project.avro import to_avro
from schemas.records.deadletter import KEPT_BYTES
from schemas.types import MAX_MESSAGE, Schema
from schemas.wire import HEADER, MARKER

#: Columns beside the records'.
META = ("topic", "partition", "offset", "broker", "tick", "reason", "raw", "length")


def reader_schema(schema: Schema, columns: Sequence[str]) -> str:
    """The Avro schema (JSON) of only the columns that detectors read: Avro skips the others without decoding them."""
    avro = to_avro(schema)
    avro["fields"] = [{k: v for k, v in f.items() if k != "doc"} for f in avro["fields"] if f["name"] in columns]
    return json.dumps(avro)


def decode(
    batch: DataFrame,
    columns: Mapping[Schema, Sequence[str]],
    writers: Mapping[bytes, tuple[Schema, str]],
    buckets: int,
) -> DataFrame:
    """Decode a micro-batch.

    Args:
        batch: topic, partition, offset, timestamp, value, tick (microseconds, null for records), tick_bucket.
        columns: record type of the domain -> the columns to decode.
        writers: fingerprint -> record type and writer's schema, of every known type (another domain's is refused).
        buckets: number of buckets.

    Returns:
        `META`, `bucket` and a struct column a record type, at most one of them not null.
    """
    value = F.col("value")
    mark, body = F.substring(value, 1, HEADER), F.expr(f"substring(value, {HEADER + 1})")
    small = F.length(value) <= MAX_MESSAGE
    ours = [mark_ for mark_, (schema, _) in writers.items() if schema in columns]
    others = [mark_ for mark_, (schema, _) in writers.items() if schema not in columns]
    structs: list[Column] = []
    for schema, wanted in columns.items():
        case: Column | None = None
        for fingerprint, (writer, text) in writers.items():
            if writer is not schema:
                continue
            decoded = from_avro(body, text, {"mode": "PERMISSIVE", "avroSchema": reader_schema(schema, wanted)})
            hit = small & (mark == F.lit(bytearray(MARKER + fingerprint)))
            case = F.when(hit, decoded) if case is None else case.when(hit, decoded)
        assert case is not None
        structs.append(case.alias(schema.name))
    broker = F.unix_micros("timestamp").alias("broker")
    decoded_batch = batch.select("topic", "partition", "offset", broker, "tick", "tick_bucket", "value", *structs)

    nothing = F.lit(True)
    for schema in columns:
        nothing = nothing & F.col(schema.name).isNull()
    reason = (
        F.when(F.col("tick").isNotNull() | ~nothing, F.lit(None))
        .when(value.isNull() | (F.length(value) == 0), F.lit("empty"))
        .when(~small, F.lit("oversized"))
        .when(
            (F.length(value) < HEADER) | (F.substring(value, 1, 2) != F.lit(bytearray(MARKER))),
            F.lit("not single-object Avro"),
        )
        .when(_among(mark, ours), F.lit("broken body"))
        .when(_among(mark, others), F.lit("wrong topic"))
        .otherwise(F.lit("unknown fingerprint"))
    )
    place = F.coalesce(
        F.col("tick_bucket"),
        F.expr(
            f"cast(crc32(cast(coalesce({', '.join(f'`{s.name}`.`{s.locality}`' for s in columns)}) as binary)) % {buckets} as int)"
        ),
        F.expr(f"cast((partition + offset) % {buckets} as int)"),
    )
    return decoded_batch.select(
        place.alias("bucket"),
        "topic",
        "partition",
        "offset",
        "broker",
        "tick",
        reason.alias("reason"),
        F.when(reason.isNotNull(), F.substring(value, 1, KEPT_BYTES)).alias("raw"),
        F.when(reason.isNotNull(), F.length(value)).alias("length"),
        *(schema.name for schema in columns),
    )


def _among(mark: Column, fingerprints: Sequence[bytes]) -> Column:
    return mark.isin([bytearray(MARKER + f) for f in fingerprints]) if fingerprints else F.lit(False)
