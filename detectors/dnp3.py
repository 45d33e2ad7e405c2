"""What the detectors of DNP3 share: who asks, who is asked, and the kinds of messages (IEEE 1815 clause 4.4, function codes)."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from detectors.detector import Firing
from detectors.memory import Age, Derived, Last, Memory, Nth, TimeSince


def said(condition: pl.Expr) -> pl.Expr:
    """The condition; False where it asks for what the record does not have: link frames have no function."""
    return condition.fill_null(False)


_FUNCTION = pl.col("function")
SELECT_CODE, OPERATE_CODE, DIRECT_CODE, DIRECT_NR_CODE = 3, 4, 5, 6
ENABLE_CODE, DISABLE_CODE = 20, 21

#: A request of an application; confirmations (function 0) and responses are none.
REQUEST: Final = Derived("dnp3 request", said(~pl.col("response") & (_FUNCTION > 0)))
SOLICITED: Final = Derived("dnp3 solicited response", said(_FUNCTION == 129))
UNSOLICITED: Final = Derived("dnp3 unsolicited response", said(_FUNCTION == 130))
#: Sent by an outstation: a response, or a link frame or confirmation in its direction.
FROM_OUTSTATION: Final = Derived(
    "from outstation", pl.col("response") | (~pl.col("from_master") & said(_FUNCTION.is_null() | (_FUNCTION == 0)))
)
#: The outstation of a message by its address, whichever of the two sends.
OUTSTATION: Final = Derived("outstation", pl.when(FROM_OUTSTATION.expr).then("source").otherwise("destination"))
#: The master of a message by its address.
MASTER: Final = Derived("master", pl.when(FROM_OUTSTATION.expr).then("destination").otherwise("source"))
#: The link address of the outstation.
STATION: Final = Derived("station", pl.when(FROM_OUTSTATION.expr).then("link_source").otherwise("link_destination"))


def asks(*codes: int) -> pl.Expr:
    """True for a request with one of these function codes."""
    return said(~pl.col("response") & _FUNCTION.is_in(codes))


#: Time to live as hosts begin with it: a route takes off a few, an operating system is known by it.
_TTL: Final = pl.col("ttl")
_BEGINS: Final = pl.when(_TTL <= 64).then(64).when(_TTL <= 128).then(128).when(_TTL.is_not_null()).then(255)


@dataclass(frozen=True)
class HostParams:
    """When another host under a known address is told."""

    pause_s: float = 300.0  # after which it is told again
    settle_s: float = 172_800.0  # after which it is taken for normal: a device that was replaced


def another_host(outstation: bool, p: HostParams) -> Firing:
    """Fires where the address of a master or of an outstation stands for another host than at first: its frames come from
    or go to another MAC address, or begin with another time to live.

    Told when it changes, and again after a pause, until the new one has been in use for some time.

    Args:
        outstation: judge the outstation's address; False: the master's.
        p: when.
    """
    name, host = ("outstation", OUTSTATION) if outstation else ("master", MASTER)
    sends = FROM_OUTSTATION.expr if outstation else ~FROM_OUTSTATION.expr
    sending = Derived(f"{name} sends", sends)
    seen = {
        "MAC address": Derived(f"mac of {name}", pl.when(sends).then("source_mac").otherwise("destination_mac")),
        "initial time to live": Derived(f"ttl of {name}", pl.when(sends).then(_BEGINS)),
    }
    cases, memories = [], list[Memory]()
    for what, value in seen.items():
        by = (host, sending)
        has = Derived(f"has {value.name}", value.expr.is_not_null())
        count = Nth(by, 2, has)
        first = Derived(f"first {value.name}", has.expr & (count.col == 1), (count,))
        began, last, since = Last(by, value, first), Last(by, value), TimeSince(by, has)
        age = Age((host, sending, value))
        changed = (
            (value.expr != began.col) & ((value.expr != last.col) | (since.col > p.pause_s)) & (age.col < p.settle_s)
        )
        cases.append((what, changed.fill_null(False), value.expr.cast(pl.String), began.col.cast(pl.String)))
        memories += [count, began, last, since, age]
    texts = [
        pl.when(fires).then(pl.format("{} {} instead of {}", pl.lit(what), now.fill_null("-"), before.fill_null("-")))
        for what, fires, now, before in cases
    ]
    return Firing(
        when=pl.any_horizontal([fires for _, fires, _, _ in cases]),
        memories=tuple(memories),
        values={"what": pl.coalesce(*texts, pl.lit("another host"))},
    )
