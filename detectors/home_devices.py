"""Devices of homes: which belong to the energy system, and the places of the outside that they talk to.

A place is the registered domain of the name that a device looked up, or else the network of the address with the port. So a
vendor's new host is no new place, and neither is a host that moves within its provider's network.
"""

import polars as pl

from detectors.addresses import in_networks, network_of
from detectors.grouping import TIME
from detectors.memory import CountWithin, Derived, DistinctWithin, Least, SeenBefore
from detectors.site import Site
from schemas.records.home_event import ENERGY_KINDS

#: The last two labels of a name, or three below second levels such as co.uk.
_DOMAIN = r"([^.]+\.(?:(?:co|com|net|org|ac|gov|edu)\.[A-Za-z]{2}|[^.]+))\.?$"

#: A device of the energy system; one whose kind the gateway does not know is none.
IS_ENERGY = pl.col("device_kind").is_in(ENERGY_KINDS).fill_null(False)

_SECONDS = Derived("event time", pl.col(TIME).cast(pl.Float64))


def domain_of(name: pl.Expr) -> pl.Expr:
    """The registered domain of a name, as far as its labels tell; the name itself where it has one label."""
    return pl.coalesce(name.str.extract(_DOMAIN), name)


PLACE = Derived(
    "place",
    pl.coalesce(
        domain_of(pl.col("peer_name")),
        pl.format("{} {}/{}", network_of(pl.col("peer")), pl.col("port").cast(pl.String).fill_null("none"), "protocol"),
    ),
)
#: Kinds of devices that go wherever people send them.
_WANDERS = pl.col("device_kind").is_in(["media", "computer", "phone", "gateway"]).fill_null(False)
#: The device got something back; where the gateway does not count bytes, it is taken to.
ANSWERED = (pl.col("bytes_in").fill_null(1) > 0) & (pl.col("bytes_out").fill_null(1) > 0)


class Acquaintance:
    """What a device has got to know: whether this flow goes to a new place, and how many old and new ones there are.

    A device is known once it was heard of for `learn_s`. Only that of an IoT device with few places says anything:
    computers, phones, televisions and consoles go wherever people send them.

    Args:
        site: brokers of the site file are never new.
        learn_s: from a device's first flow on its places are learned, seconds.
        few: places of a device that has few.
    """

    DAY_S = 86_400.0
    FORTNIGHT_S = 14 * DAY_S

    def __init__(self, site: Site, learn_s: float, few: int) -> None:
        brokers = ",".join(sorted(site.homes.brokers or ()))
        asks = Derived(
            f"outbound, answered, not to {brokers}",
            (pl.col("direction") == "outbound") & ANSWERED & ~in_networks(pl.col("peer"), site.homes.brokers or ()),
        )
        device = ("device",)
        begun, seen = Least(device, _SECONDS), SeenBefore(device, self.FORTNIGHT_S, 256, PLACE, asks)
        learned = (_SECONDS.expr - begun.col >= learn_s * 1e6).fill_null(False)
        self.new = Derived(
            f"{asks.name}, place new after {learn_s:g}s", asks.expr & learned & ~seen.col.fill_null(True), (begun, seen)
        )
        #: New places within a day, and all places within a fortnight.
        self.fresh = CountWithin(device, self.DAY_S, 100, self.new)
        self.places = DistinctWithin(device, self.FORTNIGHT_S, few + 120, PLACE, asks)
        self.has_few = (self.places.col.cast(pl.Int64) - self.fresh.col <= few) & ~_WANDERS
        self.asks = asks
