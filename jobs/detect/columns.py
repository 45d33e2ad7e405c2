"""The columns that pass between Spark and the workers, apart from the records': named here, where no Spark is imported."""

from typing import Final

#: Where a message stands, the tick, and why it was refused.
META: Final = ("topic", "partition", "offset", "broker", "tick", "reason", "detail", "raw", "length")
#: The field that is decoded behind every record; see `jobs.detect.decode`.
END: Final = "_end"
