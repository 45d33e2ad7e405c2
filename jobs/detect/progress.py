"""What is known of a detection query after a batch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.types import Domain


@dataclass
class Progress:
    """What the driver knows of a query after a batch, for people, for Prometheus and for tests.

    Attributes:
        domain: of the query.
        batch: its number; -1 before the first.
        ledger: counts since the query began.
        notes: what the detectors have to say.
        seconds: from the begin of the batch to its manifest.
        reached: the next offset of each partition of the domain's topic; empty before the first batch.
        state_bytes: what the detectors remember, in files.
    """

    domain: Domain
    batch: int
    ledger: Mapping[str, int]
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    reached: Mapping[int, int] = field(default_factory=dict)
    state_bytes: int = 0

    def count(self, kind: str) -> int:
        """Sum of the counts of a kind: decoded, dead, alerts, ahead."""
        return sum(n for name, n in self.ledger.items() if name.startswith(f"{kind}."))

    @property
    def seen(self) -> int:
        """Records read since the query began."""
        return self.count("decoded") + self.count("dead")
