"""MMS on public data: a scan within a conversation is told, the conversation itself is not."""

from pathlib import Path

from detectors.site import Site
from jobs.evaluate.datasets import captures, mms


def test_normal_traffic_is_quiet(shared_data: Path) -> None:
    found, attack = mms.records(shared_data / "mms_gics/gics-normal.csv")
    assert len(found) > 2000 and not attack
    assert not len(captures.run(found, Site(name=captures.SITE)).alerts)


def test_every_request_of_the_scan_is_flagged(shared_data: Path) -> None:
    found, attack = mms.records(shared_data / "mms_gics/gics-scanning.labelled.csv")
    flags = captures.run(found, Site(name=captures.SITE)).flags
    flagged = set(flags["frames"].explode().to_list())
    asked = {r.fields["frames"][0] for r in found if r.fields["pdu"] == "confirmed_request"} & attack
    assert len(asked) > 30 and asked <= flagged
    # The client goes on asking for names on its own, right after.
    assert len(flagged - attack) <= 10
