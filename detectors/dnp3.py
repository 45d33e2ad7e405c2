"""What the detectors of DNP3 share: who asks, who is asked, and the kinds of messages (IEEE 1815 clause 4.4, function codes)."""

from typing import Final

import polars as pl

from detectors.memory import Derived


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
#: The outstation of a message by its address, whichever of the two sends.
OUTSTATION: Final = Derived("outstation", pl.when(pl.col("response")).then("source").otherwise("destination"))
#: The master of a message by its address.
MASTER: Final = Derived("master", pl.when(pl.col("response")).then("destination").otherwise("source"))
#: The link address of the outstation.
STATION: Final = Derived("station", pl.when(pl.col("response")).then("link_source").otherwise("link_destination"))


def asks(*codes: int) -> pl.Expr:
    """True for a request with one of these function codes."""
    return said(~pl.col("response") & _FUNCTION.is_in(codes))
