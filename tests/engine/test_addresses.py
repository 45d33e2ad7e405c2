"""Addresses and networks of both versions, and texts that are neither."""

import polars as pl
import pytest

from detectors.addresses import in_networks, network_of

TEXTS = ["10.0.0.1", "10.0.1.7", None, "x", "", "2001:db8:1:2::5", "10.0.0.1"]


@pytest.mark.parametrize(
    ("networks", "inside"),
    [
        (["10.0.0.0/24", "2001:db8::/32"], [True, False, False, False, False, True, True]),
        (["10.0.1.7"], [False, True, False, False, False, False, False]),
        ([], [False] * 7),
    ],
)
def test_in_networks(networks: list[str], inside: list[bool]) -> None:
    assert pl.DataFrame({"a": TEXTS}).select(in_networks(pl.col("a"), networks))["a"].to_list() == inside


def test_network_of() -> None:
    found = pl.DataFrame({"a": TEXTS}).select(network_of(pl.col("a")))["a"].to_list()
    assert found == ["10.0.0.0", "10.0.1.0", None, "x", "", "2001:db8:1::", "10.0.0.0"]


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_nothing_to_look_at(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    assert not frame.select(in_networks(pl.col("a"), ["10.0.0.0/8"]))["a"].any()
    assert frame.select(network_of(pl.col("a")))["a"].to_list() == texts
