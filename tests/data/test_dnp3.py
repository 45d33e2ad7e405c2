"""DNP3 on public data: every logged attack that has DNP3 messages is told above severity low, nothing outside the attacks."""

from pathlib import Path

import pytest

from detectors.site import Site
from jobs.evaluate.datasets import captures, dnp3

CAPTURES = (
    "attacks_training_infrequent",
    "flooding_training_infrequent",
    "injection_training_frequent",
    "masquerading_training_frequent",
    "mitm_training_frequent",
    "replay_training_frequent",
)
#: Attacks by a host of its own address: without a site file nobody knows that it is no master.
OWN_ADDRESS = ("master_hijacking", "master_replay", "master_masquerading")


@pytest.mark.parametrize("name", CAPTURES)
def test_every_attack_is_told(shared_data: Path, name: str) -> None:
    folder = shared_data / "dnp3_qut2017"
    found = captures.records(folder / f"{name}.attacker_view.pcap")
    attacks = dnp3.intervals(folder / f"{name}.attack_log.txt")
    known = dnp3.judge(found, attacks, dnp3.bench_site())
    assert sum(of for _, of in known.hit.values()) >= 10
    assert not known.missed
    assert not known.false
    stranger = dnp3.judge(found, attacks, Site(name=captures.SITE))
    assert not [attack for attack in stranger.missed if not attack.attack.startswith(OWN_ADDRESS)]
    assert not stranger.false


def test_a_capture_without_messages_tells_nothing(shared_data: Path) -> None:
    folder = shared_data / "dnp3_qut2017"
    assert not captures.records(folder / "control_training_infrequent.attacker_view.pcap")
    assert not dnp3.intervals(folder / "control_training_infrequent.attack_log.txt")
