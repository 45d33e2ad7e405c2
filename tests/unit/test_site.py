"""What is wrong with a site file is told by its key, with what was probably meant."""

from pathlib import Path

import pytest

from detectors.catalog import check_site
from detectors.site import TOLD, load_site, parse_site
from schemas.errors import ConfigFault


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("modbus:\n  master: [10.0.0.1]\n", r"modbus.master: unknown key, did you mean masters\?"),
        ("mdbus: {}\ncan: {bitrate: -1}\n", r"can.bitrate: .*; mdbus: unknown key, did you mean modbus\?"),
        ("name: x\nmodbus: [\n", r"is not YAML: .*site.yaml, line 3, column 1"),
        ("name: \x00\n", "is not YAML"),
        ("modbus: {masters: [10.0.0.999]}\n", "modbus.masters.0: .*10.0.0.999"),
        ("homes: {brokers: [203.0.113.0/33]}\n", "homes.brokers.0: .*203.0.113.0/33"),
        ("- a list\n", "top level"),
        ("\n".join(f"x{n}: 1" for n in range(TOLD + 3)), "; 3 more"),
    ],
)
def test_a_wrong_site_file(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(content)
    with pytest.raises(ConfigFault, match=told) as fault:
        load_site(path)
    assert str(path) in fault.value.where


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"detectors": {"modbus_scn": {}}}, r"detectors.modbus_scn.: did you mean modbus_scan\?"),
        ({"disabled": {"can_floodng": "x"}}, r"disabled.can_floodng.: did you mean can_flooding\?"),
        ({"detectors": {"modbus_scan": {"exception_min": 3}}}, r"exception_min.: did you mean exceptions_min\?"),
        ({"detectors": {"modbus_scan": {"exceptions_min": -5}}}, "-5 is below 0"),
        ({"detectors": {"modbus_scan": {"exceptions_min": 1.5}}}, "1.5 is of the wrong type.*a whole number"),
    ],
)
def test_what_no_detector_has(facts: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigFault, match=told):
        check_site(parse_site(facts, "test"))
