"""The algebra of memories: one primitive a file."""

from detectors.memory.age import Age
from detectors.memory.base import Beside, Derived, Memory
from detectors.memory.count_within import CountWithin
from detectors.memory.cusum import Cusum
from detectors.memory.distinct_within import DistinctWithin
from detectors.memory.ewma import Ewma
from detectors.memory.last import Last
from detectors.memory.last_of import LastOf, seconds_since
from detectors.memory.leaky_sum import LeakySum
from detectors.memory.least import Least
from detectors.memory.nth import Nth
from detectors.memory.payload import Payload
from detectors.memory.period import Period
from detectors.memory.recent import Recent
from detectors.memory.regularity import Regularity
from detectors.memory.run_length import RunLength
from detectors.memory.seen_before import SeenBefore
from detectors.memory.shared import Shared
from detectors.memory.sum_within import SumWithin
from detectors.memory.time_since import TimeSince
from detectors.memory.total import Total

__all__ = [
    "Age",
    "Beside",
    "CountWithin",
    "Cusum",
    "Derived",
    "DistinctWithin",
    "Ewma",
    "Last",
    "LastOf",
    "LeakySum",
    "Least",
    "Memory",
    "Nth",
    "Payload",
    "Period",
    "Recent",
    "Regularity",
    "RunLength",
    "SeenBefore",
    "Shared",
    "SumWithin",
    "TimeSince",
    "Total",
    "seconds_since",
]
