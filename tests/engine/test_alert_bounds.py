"""However much a record holds, its alert fits in a message and is read back."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from detectors.catalog import DETECTORS
from detectors.detector import Detector
from detectors.local import frame, make_engine
from detectors.site import parse_site
from schemas.records import ALERT, BY_NAME
from schemas.types import MAX_MESSAGE, ListOf, Scalar
from schemas.wire import Decoder, encode
from tests.engine.examples import records_of


def swollen(fields: dict[str, Any], record: str, known: str) -> dict[str, Any]:
    """The record with its texts and lists made as large as a message allows, where that leaves the rule as it is.

    A locality that the site file (`known`) names keeps its name.
    """
    large: dict[Any, Any] = {
        ListOf(Scalar.LONG): [2**63 - 1] * 4096,
        ListOf(Scalar.INT): [2**31 - 1] * 4096,
        ListOf(Scalar.STRING): ["\x01\U0001f600" * 100] * 300,
    }
    schema = BY_NAME[record]
    locality = f"{fields[schema.locality]}"
    longer = "" if repr(locality) in known else "\x01\U0001f600" * 12_000
    out = {**fields, schema.locality: locality + longer}
    for f in schema.fields:
        if f.type in large and (f.name == "frames" or out[f.name] is None):
            out[f.name] = large[f.type]
        elif f.type is Scalar.STRING and f.name == "capture":
            out[f.name] = "\x01" * 60_000
    return out


FIRING = [(d, e) for d in DETECTORS for e in d.examples if e.fires]


@pytest.mark.parametrize(("detector", "example"), FIRING, ids=[f"{d.id}-{i}" for i, (d, _) in enumerate(FIRING)])
def test_it_fits(detector: Detector, example: Any) -> None:
    by_type: dict[str, tuple[list[dict[str, Any]], list[int]]] = {}
    for index, (schema, fields) in enumerate(records_of(detector, example)):
        rows, arrival = by_type.setdefault(schema.name, ([], []))
        rows.append(swollen(fields, schema.name, repr(example.site)))
        arrival.append(index)
    batch = {name: frame(BY_NAME[name], rows, arrival) for name, (rows, arrival) in by_type.items()}
    outcome = make_engine(detector.record.domain, [detector], parse_site(dict(example.site), "example")).step({}, batch)
    assert len(outcome.alerts) >= 1
    for alert in outcome.alerts.iter_rows(named=True):
        message = encode(ALERT, {**alert, "detected": datetime.now(UTC)})
        assert len(message) < MAX_MESSAGE
        assert Decoder((ALERT,)).decode(message)[1]["alert_id"] == alert["alert_id"]
        for record in alert["evidence"]:
            json.loads(record)
