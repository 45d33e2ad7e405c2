"""Mobile subscribers: which of them belong to assets that stay where they are, and announced work at them."""

import polars as pl

from detectors.site import Site


def is_fixed(site: Site) -> pl.Expr:
    """True for the SIM card of an asset that stays at its place with its modem: so says the record, or its access point.

    A SIM card of which nothing is known is not fixed. Access points: `mobile.fixed_apns` of the site file.
    """
    by_apn = pl.col("apn").is_in(site.mobile.fixed_apns).fill_null(False)
    return pl.col("fixed").fill_null(False) | by_apn


def in_exchange(site: Site) -> pl.Expr:
    """True where the site file (`mobile.exchanges`) announces work at the record's SIM card at its time."""
    announced = [
        (pl.col("imsi") == exchange.imsi) & pl.col("time").is_between(exchange.start, exchange.end)
        for exchange in site.mobile.exchanges
    ]
    return pl.any_horizontal(pl.lit(False), *announced)
