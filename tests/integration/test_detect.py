"""The streaming job against a real broker and a real Spark: the same alerts as the engine alone, every record accounted for."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.stack import StackState
from schemas.types import Domain
from tests.integration.detecting import DOMAINS, Topics, counts, detect, expected, traffic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def own(stack: StackState) -> Topics:
    """The broker from now on."""
    return Topics(stack.bootstrap)


def test_stream_equals_batch(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    records = traffic("same", copies=5)
    own.publish(records)
    wanted = expected(records)
    for domain in DOMAINS:
        batches, ledger = detect(spark, own, tmp_path, domain)
        assert len(batches) > 1
        decoded = counts(ledger, "decoded")
        assert decoded.total() == own.produced(domain) == sum(schema.domain is domain for schema, _ in records)
        assert not counts(ledger, "dead")
    alerts = own.alerts("same")
    assert sorted(a["alert_id"] for a in alerts) == sorted(wanted)
    assert {a["domain"] for a in alerts} == {d.value for d in DOMAINS}
    assert len({a["detector"] for a in alerts}) >= 15
