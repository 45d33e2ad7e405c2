"""The columns that pass between Spark and the workers, apart from the records': named here, where no Spark is imported."""

from typing import Final

#: Where a message stands.
PLACE: Final = ("partition", "offset", "broker")
#: Why a message was refused: a list of none or one, of `reason`, `detail`, `raw` and `length`.
REFUSED: Final = "refused"
#: Bytes of the message that a row stands for; null for a tick.
WEIGHT: Final = "weight"
#: The field that is decoded behind every record; see `jobs.detect.decode`.
END: Final = "_end"
