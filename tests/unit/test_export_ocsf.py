"""The OCSF export keeps the rules of class Incident Finding (2005) of OCSF 1.5.0, which are written down here."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.export import stix
from jobs.export.formats import write
from jobs.triage.lifecycle import Verdict

#: events/base_event.json and events/findings/incident_finding.json: attributes with the requirement `required`.
REQUIRED = {
    "activity_id", "category_uid", "class_uid", "finding_info_list", "metadata", "severity_id", "status_id", "time", "type_uid",
}  # fmt: skip
#: All that the class knows, of those that we may use; the profile `incident` is part of the class.
KNOWN = REQUIRED | {
    "activity_name", "assignee", "assignee_group", "attacks", "category_name", "class_name", "comment", "confidence",
    "confidence_id", "count", "desc", "duration", "end_time", "impact", "impact_id", "is_suspected_breach", "message",
    "observables", "priority", "priority_id", "raw_data", "severity", "src_url", "start_time", "status", "status_code",
    "status_detail", "tickets", "timezone_offset", "type_name", "unmapped", "verdict", "verdict_id",
}  # fmt: skip
CAPTIONS = {1: "New", 2: "In Progress", 3: "On Hold", 4: "Resolved", 5: "Closed"}
VERDICTS = {
    1: "False Positive", 2: "True Positive", 3: "Disregard", 4: "Suspicious", 5: "Benign", 6: "Test",
    7: "Insufficient Data", 8: "Security Risk", 9: "Managed Externally", 10: "Duplicate",
}  # fmt: skip
#: objects/finding_info.json, objects/metadata.json, objects/product.json, objects/attack.json.
FINDING = {
    "analytic", "attacks", "created_time", "data_sources", "desc", "first_seen_time", "kill_chain", "last_seen_time",
    "modified_time", "product", "related_analytics", "related_events", "src_url", "tags", "title", "types", "uid", "uid_alt",
}  # fmt: skip
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def incident(**fields: Any) -> dict[str, Any]:
    """A row of the table `incident`."""
    return {
        "incident_id": "3f2a91", "kind": "alerts", "status": "open", "domain": "substation", "site": "substation-1",
        "entity_kind": "server", "entity": "10.0.0.5", "detector": "rogue_master", "threat": "SG-17", "technique": "T0848",
        "severity_id": 4, "title": "a master that is none", "first_time": AT, "last_time": AT + timedelta(minutes=3),
        "alerts": 2, "opened": AT, "updated": AT + timedelta(minutes=4), "version": 0, "assignee": None, "verdict": None,
        **fields,
    }  # fmt: skip


ALERT = {
    "alert_id": "a1", "title": "a master that is none", "observed": "function 6", "expected": "none", "threat": "SG-17",
    "detector": "rogue_master", "technique": "T0848", "detected": AT, "first_time": AT, "last_time": AT,
}  # fmt: skip

STATES = [
    incident(),
    incident(version=1, status="acknowledged", assignee="anna"),
    *[incident(version=2, status="closed", verdict=v.word) for v in Verdict],
    incident(threat="SG-9999", technique="T9999"),
]


@pytest.mark.parametrize("alerts", [[], [ALERT]], ids=["no alerts", "alerts"])
@pytest.mark.parametrize("row", STATES, ids=lambda row: f"{row['status']} {row['verdict'] or ''}")
def test_what_the_class_requires_is_there(row: dict[str, Any], alerts: list[dict[str, Any]]) -> None:
    event = json.loads(write("ocsf", row, alerts))
    assert set(event) >= REQUIRED and set(event) <= KNOWN
    assert (event["class_uid"], event["category_uid"]) == (2005, 2)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"] and event["activity_id"] in (1, 2, 3)
    assert event["severity_id"] in range(7) and event["status"] == CAPTIONS[event["status_id"]]
    assert event.get("assignee") or event.get("assignee_group"), "at least one of the two"
    assert all(isinstance(event[name], int) for name in ("time", "start_time", "end_time", "count"))
    assert event["start_time"] <= event["end_time"]
    if "verdict_id" in event:
        assert event["verdict"] == VERDICTS[event["verdict_id"]]
    assert ("verdict_id" in event) == (row["status"] == "closed")
    assert event["finding_info_list"]
    for finding in event["finding_info_list"]:
        assert isinstance(finding["uid"], str) and finding["title"] and set(finding) <= FINDING
    metadata = event["metadata"]
    assert metadata["version"] == "1.5.0" and metadata["profiles"] == ["incident"]
    product = metadata["product"]
    assert product["vendor_name"] and product["name"]
    assert metadata["uid"] == f"3f2a91-{row['version']}-2" and metadata["correlation_uid"] == "3f2a91"
    for attack in [*event["attacks"], *(a for f in event["finding_info_list"] for a in f.get("attacks", ()))]:
        assert {"tactic", "technique", "sub_technique"} & set(attack), "at least one of the three"
        assert attack["technique"]["uid"] == row["technique"] or attack["technique"]["uid"] == "T0848"
        assert set(attack) <= {"version", "technique", "tactics", "tactic", "sub_technique", "mitigation"}


@pytest.mark.parametrize("name", ["ocsf", "stix", "cef"])
def test_the_same_state_gives_the_same_text(name: str) -> None:
    texts = {write(name, incident(), [ALERT]) for _ in range(3)}
    assert len(texts) == 1
    assert write(name, incident(version=1), [ALERT]) not in texts


def test_alerts_of_a_bundle_are_bounded() -> None:
    bundle = json.loads(stix.bundle(incident(), [ALERT | {"alert_id": str(n)} for n in range(200)]))
    assert sum(found["type"] == "note" for found in bundle["objects"]) == stix.NOTES
