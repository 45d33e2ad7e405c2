"""Who joins and leaves multicast groups, and at which ports of a switch single receivers can be told."""

import polars as pl

from detectors.memory import Derived
from detectors.site import Site

#: Reports that join or keep a group, and leaves.
JOIN = Derived("joins a group", (pl.col("type") == "report") & pl.col("group").is_not_null())
LEAVE = Derived("leaves a group", (pl.col("type") == "leave") & pl.col("group").is_not_null())


def at_access_port(site: Site) -> pl.Expr:
    """False at the ports that lead to other switches, as the site file says (`multicast.trunks`)."""
    trunks = [(pl.col("switch") == t.switch) & (pl.col("port") == t.port) for t in site.multicast.trunks]
    return ~pl.any_horizontal(pl.lit(False), *trunks)
