"""The file of places: what it may say, and what is told of one that says something else."""

from pathlib import Path

import pytest

from jobs.places import Place, read_places
from schemas.errors import ConfigFault


def test_places_by_site(tmp_path: Path) -> None:
    file = tmp_path / "places.yaml"
    file.write_text("substation-a: {latitude: 48.1, longitude: -11}\nT1:\n  latitude: 0\n  longitude: 180\n")
    assert read_places(file) == {
        "substation-a": Place(latitude=48.1, longitude=-11),
        "T1": Place(latitude=0, longitude=180),
    }
    file.write_text("")
    assert read_places(file) == {}


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("a: {latitude: 91, longitude: 0}", "key a.latitude", "less than or equal to 90"),
        ("a: {latitude: .nan, longitude: 0}", "key a.latitude", "finite|less than|greater than"),
        ("a: {latitude: 1}", "key a.longitude", "required"),
        ("a: {latitude: 1, longitude: 1, height: 3}", "key a.height", "not permitted"),
        ("- a\n- b\n", "places.yaml", "dictionary"),
        ("a: {latitude: 1\nb: ]", "line 2", "no YAML"),
    ],
)
def test_a_wrong_file_names_the_place_and_the_remedy(tmp_path: Path, text: str, where: str, told: str) -> None:
    file = tmp_path / "places.yaml"
    file.write_text(text)
    with pytest.raises(ConfigFault, match=told) as wrong:
        read_places(file)
    assert where in wrong.value.where and wrong.value.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault, match="cannot be read"):
        read_places(tmp_path / "none.yaml")
