"""What the detectors of IEC 60870-5-104 share: groups of types, who asks whom, and which commands a site allows.

Types and causes of transmission: IEC 60870-5-101 clauses 7.2.1.1 and 7.2.3; APCI: IEC 60870-5-104 clause 5.
"""

import math
from typing import Final

import polars as pl

from detectors.detector import Firing
from detectors.memory import CountWithin, Derived, Recent
from detectors.site import Site

#: Set-points without and with time tag: normalised, scaled, short float.
SETPOINTS: Final = (48, 49, 50, 61, 62, 63)
#: Parameters: of measured values (normalised, scaled, short float), and their activation.
PARAMETERS: Final = (110, 111, 112, 113)
#: What switches: single, double, step and bit string commands without and with time tag.
SWITCHING: Final = (45, 46, 47, 51, 58, 59, 60, 64)
#: Types that a controlled station reports process information with.
MONITORED: Final = range(1, 41)


def said(condition: pl.Expr) -> pl.Expr:
    """The condition; False where it asks for what the record does not have: S- and U-frames have neither type nor cause."""
    return condition.fill_null(False)


_TYPE, _CAUSE, _CONTROL = pl.col("type_id"), pl.col("cause"), pl.col("control")
_ASKS = said(
    (_TYPE.is_between(45, 127) & _CAUSE.is_in([5, 6, 8])) | _CONTROL.is_in(["STARTDT act", "STOPDT act", "TESTFR act"])
)
#: The station that asks, and the one that is asked, whichever of the two sends: a confirmation names both as the question did.
ASKER: Final = Derived("asker", pl.when(_ASKS).then("source").otherwise("destination"))
ASKED: Final = Derived("asked", pl.when(_ASKS).then("destination").otherwise("source"))

#: Both ends with their TCP ports, the same text in both directions.
_FROM, _TO = pl.format("{}:{}", "source", "source_port"), pl.format("{}:{}", "destination", "destination_port")
FROM_LOWER: Final = Derived("from the lower end", _FROM < _TO)
FROM_HIGHER: Final = Derived("from the higher end", _FROM >= _TO)
LINK: Final = Derived(
    "connection", pl.when(_FROM < _TO).then(pl.format("{} {}", _FROM, _TO)).otherwise(pl.format("{} {}", _TO, _FROM))
)

STARTS: Final = Derived("starts data transfer", said(_CONTROL == "STARTDT act"))
TESTS: Final = Derived("tests", said(_CONTROL == "TESTFR act"))
INTERROGATES: Final = Derived("interrogates", said(_TYPE.is_in([100, 101]) & (_CAUSE == 6)))
READS: Final = Derived("reads an object", said((_TYPE == 102) & (_CAUSE == 5)))
REPORTS: Final = Derived("reports", said(_TYPE.is_in(MONITORED)))
#: Process commands and parameters that a controlling station activates.
COMMAND: Final = Derived("command", said(_TYPE.is_in((*SWITCHING, *SETPOINTS, *PARAMETERS)) & (_CAUSE == 6)))
SELECT: Final = Derived("select command", COMMAND.expr & said(pl.col("select")))
SPONTANEOUS: Final = Derived("spontaneous", said(_TYPE.is_in(MONITORED) & (_CAUSE == 3)))

POINT: Final = ("source", "destination", "common_address", "object_address")


def outside(site: Site, types: tuple[int, ...], select_s: float) -> Firing:
    """Fires on commands of these types that are no entry of `iec104.commands`, were executed without the select that it
    demands, or have a value outside its limits. Without the fact parameters are told, all of them, and what hosts send that
    are none of `iec104.masters`, where those are known.

    Args:
        site: its facts.
        types: type identifications.
        select_s: a select holds so long, seconds.
    """
    selected = CountWithin(POINT, seconds=select_s, at_most=2, where=SELECT)
    # Null in any part gives "": a command without an address is in no list.
    key = pl.concat_str("source", "common_address", "object_address", "type_id", separator="|").fill_null("")
    commands = site.iec104.commands or ()
    allowed = {f"{c.source}|{c.common_address}|{c.object_address}|{c.type_id}": c for c in commands}
    judged = pl.lit(True)
    if site.iec104.commands is None:
        masters = site.iec104.masters
        stranger = pl.lit(False) if masters is None else ~pl.col("source").is_in(sorted(masters))
        judged = stranger | said(_TYPE.is_in(PARAMETERS))
    listed = key.is_in(list(allowed))
    guarded = key.is_in([k for k, c in allowed.items() if c.select_before_operate])
    low = _limit(key, {k: -math.inf if c.low is None else c.low for k, c in allowed.items()})
    high = _limit(key, {k: math.inf if c.high is None else c.high for k, c in allowed.items()})
    unselected = guarded & ~said(pl.col("select")) & (selected.col == 0)
    # A value that is no number is within no limits; one that was not decoded is not judged.
    within = (pl.col("value") >= low) & (pl.col("value") <= high) & pl.col("value").is_finite()
    beyond = listed & said(_TYPE.is_in((*SETPOINTS, *PARAMETERS[:3]))) & ~within.fill_null(True)
    why = (
        pl.when(~listed)
        .then(pl.lit("which the site file does not list"))
        .when(unselected)
        .then(pl.lit("executed without a select"))
        .otherwise(pl.lit("with a value outside its limits"))
    )
    return Firing(
        when=COMMAND.col & said(_TYPE.is_in(types)) & judged & (~listed | unselected | beyond),
        memories=(selected,),
        values={
            "why": why,
            "place": pl.format("object {}", "object_address").fill_null("an object that was not decoded"),
            "station": pl.format("common address {}", "common_address").fill_null(
                "a common address that was not decoded"
            ),
            "amount": pl.format("value {}", "value").fill_null("no value decoded"),
        },
        trail=(Recent(POINT, seconds=60.0, at_most=5, where=COMMAND),),
    )


def _limit(key: pl.Expr, limits: dict[str, float]) -> pl.Expr:
    return key.replace_strict(list(limits), list(limits.values()), default=None, return_dtype=pl.Float64)
