"""What the detectors of MMS share: who is client and server, and groups of services (ISO 9506-2; IEC 61850-8-1 clause 6)."""

from typing import Final

import polars as pl

from detectors.memory import Derived

#: TCP port of MMS servers (RFC 1006).
PORT: Final = 102
#: Services that ask what there is.
BROWSES: Final = (
    "getNameList",
    "getVariableAccessAttributes",
    "getNamedVariableListAttributes",
    "getDomainAttributes",
    "identify",
)
#: Services that change files, programs or domains of a server: no routine operation needs them.
CHANGES: Final = (
    *("fileDelete", "fileRename", "obtainFile", "initiateDownloadSequence", "terminateDownloadSequence", "deleteDomain"),
    *("start", "stop", "resume", "reset", "kill", "initializeJournal"),
)  # fmt: skip


def said(condition: pl.Expr) -> pl.Expr:
    """The condition; False where it asks for what the record does not have: an association has no service."""
    return condition.fill_null(False)


REQUEST: Final = Derived("mms request", pl.col("pdu") == "confirmed_request")
#: The server of a message by its address, whichever of the two sends.
SERVER: Final = Derived("server", pl.when(pl.col("source_port") == PORT).then("source").otherwise("destination"))
#: The client of a message by its address.
CLIENT: Final = Derived("client", pl.when(pl.col("source_port") == PORT).then("destination").otherwise("source"))


def asks(*services: str) -> pl.Expr:
    """True for a request of one of these services."""
    return said((pl.col("pdu") == "confirmed_request") & pl.col("service").is_in(services))


#: True for what a client sends to a server: it associates, or asks.
ASKS: Final = pl.col("pdu").is_in(["initiate_request", "confirmed_request"]) & (pl.col("destination_port") == PORT)
#: True for a write, but to report and log control blocks alone, which every client needs.
WRITES: Final = asks("write") & ~pl.col("objects").list.eval(
    pl.element().str.contains(r"\$(RP|BR|LG)(\$|$)")
).list.all().fill_null(False)
