"""Spark's decoder and the wire decoder say the same of a hundred thousand random and mutated messages."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from schemas.project.avro import avro_json
from schemas.records import TELEMETRY, of_domain
from schemas.types import TELEMETRY_DOMAINS, Schema
from schemas.wire import REASONS, Decoder, Undecodable, encode, fingerprint
from tests.property.mutation import mutants
from tests.property.test_decoders import COUNT, seeds_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_spark_agrees_with_the_wire_decoder(spark: "SparkSession") -> None:
    from jobs.detect.decode import decode
    from jobs.detect.worker import _letters, _records

    writers = {fingerprint(s): (s, avro_json(s)) for s in TELEMETRY}
    ours = Decoder(TELEMETRY)
    for number, domain in enumerate(TELEMETRY_DOMAINS):
        schemas = of_domain(domain)
        seeds = [
            seed
            for schema in TELEMETRY
            for seed in seeds_of(schema, random.Random(3))
            if schema in schemas or number == 1
        ]
        messages = list(mutants(seeds, COUNT // len(TELEMETRY_DOMAINS) + 1, seed=10 + number))
        batch = pa.table(
            {
                "partition": pa.array([0] * len(messages), pa.int32()),
                "offset": pa.array(range(len(messages)), pa.int64()),
                "timestamp": pa.array([datetime(2026, 3, 2, tzinfo=UTC)] * len(messages), pa.timestamp("us", "UTC")),
                "value": pa.array(messages, pa.binary()),
                "tick": pa.nulls(len(messages), pa.int64()),
                "tick_bucket": pa.nulls(len(messages), pa.int32()),
            }
        )
        decoded = decode(spark.createDataFrame(batch), {s: s.names for s in schemas}, writers, 8).toArrow()
        verdict: dict[int, str] = {letter["offset"]: letter["reason"] for letter in _letters(decoded, domain.topic)}
        for schema in schemas:
            frame = _records(decoded, schema.name, domain.topic)
            assert (
                frame.null_count().select(f.name for f in schema.fields if not f.nullable).sum_horizontal().item() == 0
            )
            verdict |= dict.fromkeys(frame["_offset"], schema.name)
        assert sorted(verdict) == list(range(len(messages)))
        for offset, message in enumerate(messages):
            assert _agree(verdict[offset], message, ours, schemas), message.hex()
        assert sum(name not in REASONS for name in verdict.values()) > 300


def _agree(spark: str, message: bytes, ours: Decoder, schemas: Sequence[Schema]) -> bool:
    """Both take it for the same record, or both refuse it; but see `schemas.wire.Decoder` for what no encoder writes."""
    try:
        schema, record = ours.decode(message)
    except Undecodable as refused:
        return spark in REASONS or "does not fit" in refused.detail
    if schema not in schemas:
        return spark == "wrong topic"
    return spark == schema.name or (spark == "broken body" and encode(schema, record) != message)
