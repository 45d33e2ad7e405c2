"""IP addresses as expressions: whether one lies in a list of networks, and the network that it belongs to."""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

#: Prefix lengths of what usually is one customer's or one operator's network.
PREFIX = {4: 24, 6: 48}


def in_networks(address: pl.Expr, networks: Iterable[str]) -> pl.Expr:
    """True where a text is an address of one of the networks (CIDR, or single addresses); False where it is none or null."""
    by_version: dict[int, list[Any]] = {4: [], 6: []}
    for text in networks:
        network = ipaddress.ip_network(text, strict=False)
        by_version[network.version].append(network)

    def inside(text: str) -> bool:
        try:
            given = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(given in network for network in by_version[given.version])

    return _of_each(address, inside, pl.Boolean()).fill_null(False)


def network_of(address: pl.Expr) -> pl.Expr:
    """The /24 (IPv4) or /48 (IPv6) network of an address; a text that is no address is its own network."""

    def around(text: str) -> str:
        try:
            given = ipaddress.ip_address(text)
        except ValueError:
            return text
        return str(ipaddress.ip_network((int(given), PREFIX[given.version]), strict=False).network_address)

    return _of_each(address, around, pl.String())


def _of_each(texts: pl.Expr, work: Callable[[str], Any], result: pl.DataType) -> pl.Expr:
    """What `work` makes of each different text, once each; null of null."""

    def run(series: pl.Series) -> pl.Series:
        different = series.drop_nulls().unique()
        made = pl.Series([work(text) for text in different], dtype=result)
        return series.replace_strict(different, made, default=None, return_dtype=result)

    return texts.map_batches(run, return_dtype=result, is_elementwise=True)
