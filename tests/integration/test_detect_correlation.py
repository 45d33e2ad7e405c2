"""Correlation as one more query, on a real broker and a real Spark: alerts are its stream, and its own come back to it."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detectors.catalog import of_domain
from detectors.local import frame, make_engine
from infra.stack import StackState
from jobs.state_store import StateStore
from jobs.state_tools import verify
from schemas.records import ALERT
from schemas.topics import ALERTS
from schemas.types import Domain
from schemas.wire import encode
from tests.engine.examples import filled
from tests.integration.detecting import Topics, counts, detect, site

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture
def own(stack: StackState) -> Topics:
    """The broker from now on."""
    return Topics(stack.bootstrap)


def test_alerts_are_its_stream_and_its_own_come_back(spark: "SparkSession", own: Topics, tmp_path: Path) -> None:
    scan = {"technique": "T0888", "threat": "SG-19", "detector": "modbus_scan", "domain": "substation"}
    write = {"technique": "T0855", "threat": "SG-18", "detector": "unauthorised_write", "domain": "substation"}
    rows = [
        filled(
            ALERT,
            {
                "alert_id": f"cor-{i}",
                "time": 10 * i,
                "site": f"cor-S{i % 4}",
                "source": f"10.0.{i // 40}.66",
                "entity": "server",
                "severity_id": 4,
                "evidence": ["{}"],
                **(write if i % 3 else scan),
            },
        )
        for i in range(80)
    ]
    messages = [encode(ALERT, row) for row in rows]
    outcome = make_engine(Domain.CORRELATION, of_domain(Domain.CORRELATION), site()).step(
        {}, {ALERT.name: frame(ALERT, rows, range(len(rows)))}
    )
    wanted = outcome.alerts.sort("alert_id")
    assert set(wanted["detector"]) >= {"one_source_many_sites", "scan_then_write", "alert_storm"}

    # Each with the key of its site: whatever the key, the topic has one line.
    for n, value in enumerate(messages[:50]):
        own.send(ALERTS, [value], key=str(rows[n]["site"]).encode())
    _, ledger = detect(spark, own, tmp_path, Domain.CORRELATION, max_offsets=20)
    # What it finds in a batch comes back in a later one.
    assert counts(ledger, "decoded")["alert"] >= 50
    assert own.produced(Domain.CORRELATION) > 50
    own.send(ALERTS, messages[50:])
    _, ledger = detect(spark, own, tmp_path, Domain.CORRELATION)
    assert not counts(ledger, "dead")
    found = [a for a in own.alerts("cor-") if a["domain"] == "correlation"]
    assert sorted(a["alert_id"] for a in found) == wanted["alert_id"].to_list()
    assert {a["topic"] for a in found} == {ALERTS} and all(len(a["related"]) == len(a["offsets"]) for a in found)
    assert all(set(a["related"]) <= {str(row["alert_id"]) for row in rows} for a in found)

    # What it found is looked at and passed over.
    for _ in range(2):
        detect(spark, own, tmp_path, Domain.CORRELATION)
    ledger = StateStore(str(tmp_path / "state"), "correlation").latest().ledger
    assert counts(ledger, "decoded").total() == own.produced(Domain.CORRELATION)
    assert [a for a in own.alerts("cor-") if a["domain"] == "correlation"] == found
    assert list(verify(StateStore(str(tmp_path / "state"), "correlation"))) == []
