"""The profiles: 67 threats, each with its place in ATT&CK for ICS, references and a response."""

from collections import Counter

from detectors.catalog import DETECTORS
from detectors.profiles import ALL
from detectors.profiles.attack_ics import TECHNIQUES
from detectors.profiles.drift import DRIFT


def test_there_are_67_of_every_service() -> None:
    assert len(ALL) == len({threat.id for threat in ALL}) == 67
    series = Counter(threat.id.rpartition("-")[0] for threat in ALL)
    assert series == {"SG": 32, "ITS": 25, "USN": 3, "HN": 2, "MOB": 2, "MC": 1, "TV": 2}


def test_techniques_are_those_of_attack_for_ics() -> None:
    for threat in {detector.threat for detector in DETECTORS} | set(ALL):
        if threat is not DRIFT:
            assert TECHNIQUES[threat.technique.id] == threat.technique.name, threat.id


def test_every_threat_says_what_it_is() -> None:
    for threat in ALL:
        assert threat.references and threat.response and threat.streams and threat.stride, threat.id
        assert all(reference.locator for reference in threat.references)
        assert threat.technique.tactics


def test_gaps_say_what_would_be_needed() -> None:
    for threat in ALL:
        if threat.gap:
            assert "needs" in threat.gap, threat.id
