"""TCP connections to control devices as their first segments tell: attempted, rejected, established, torn down by a reset.

One record an attempt: a SYN waits for the SYN/ACK or RST that answers it, its repetitions belong to it. The host that
sent the SYN is the source, whoever sends what later.
"""

from collections import OrderedDict
from typing import Any, Final, NamedTuple

from ingest.source import Record
from ingest.tap.frame import Frame
from schemas.records import FLOW
from schemas.types import MAX_ITEMS

#: TCP flags (RFC 9293, section 3.1).
SYN, RST, ACK = 0x02, 0x04, 0x10
#: How long a SYN waits for its answer, in the capture's time (microseconds).
PATIENCE: Final = 5_000_000
#: Most attempts that wait at once; beyond it the oldest is given up as unanswered.
MAX_PENDING: Final = 65_536


class Ends(NamedTuple):
    """Who opens a connection, and to whom."""

    source: str
    source_port: int
    destination: str
    destination_port: int


class Attempts:
    """Attempts that wait for their answer, and those just answered, whose segments may come again.

    Args:
        site: locality of the records.
        capture: name of the capture file.
        ports: ports of control devices: only connections to one of them are told.
    """

    def __init__(self, site: str, capture: str | None, ports: frozenset[int]) -> None:
        self._site = site
        self._capture = capture
        self._ports = ports
        self._pending: OrderedDict[Ends, Record] = OrderedDict()
        self._answered: OrderedDict[Ends, int] = OrderedDict()

    @property
    def oldest(self) -> int | None:
        """Time of the attempt that has waited longest."""
        return next(iter(self._pending.values())).fields["time"] if self._pending else None

    def take(self, frame: Frame) -> list[Record]:
        """Look at a segment; returns the attempts whose state it decides."""
        flags = frame.flags & (SYN | RST | ACK)
        if not flags & (SYN | RST):
            return []
        out = Ends(frame.source, frame.source_port, frame.destination, frame.destination_port)
        back = Ends(*out[2:], *out[:2])
        if flags & RST:
            return self._reset(frame, out, back)
        if flags & ACK:
            return self._answer(frame, back, "established")
        return self._ask(frame, out)

    def expire(self, now: int) -> list[Record]:
        """The attempts whose patience is over at `now` (microseconds since 1970)."""
        while self._answered and next(iter(self._answered.values())) < now - PATIENCE:
            self._answered.popitem(last=False)
        given_up = []
        while (oldest := self.oldest) is not None and oldest < now - PATIENCE:
            given_up.append(self._pending.popitem(last=False)[1])
        return given_up

    def finish(self) -> list[Record]:
        """All that still wait."""
        left = list(self._pending.values())
        self._pending.clear()
        self._answered.clear()
        return left

    def _ask(self, frame: Frame, out: Ends) -> list[Record]:
        if out.destination_port not in self._ports:
            return []
        if (known := self._pending.get(out)) is not None:
            if len(known.fields["frames"]) < MAX_ITEMS - 1:
                known.fields["frames"].append(frame.place)
            return []
        self._pending[out] = self._record(frame, out, "attempted")
        return [self._pending.popitem(last=False)[1]] if len(self._pending) > MAX_PENDING else []

    def _answer(self, frame: Frame, ends: Ends, state: str) -> list[Record]:
        if ends.destination_port not in self._ports:
            return []
        record = self._pending.pop(ends, None)
        if record is None:
            if ends in self._answered:
                return []
            record = self._record(frame, ends, state)
        else:
            record.fields["state"] = state
            record.fields["duration_s"] = max(0, frame.time - record.fields["time"]) / 1_000_000
            record.fields["frames"].append(frame.place)
        self._answered[ends] = frame.time
        self._answered.move_to_end(ends)
        if len(self._answered) > MAX_PENDING:
            self._answered.popitem(last=False)
        return [record]

    def _reset(self, frame: Frame, out: Ends, back: Ends) -> list[Record]:
        if back in self._pending:
            return self._answer(frame, back, "rejected")
        if out in self._pending:
            record = self._pending.pop(out)
            record.fields["frames"].append(frame.place)
            return [record]
        ends = out if out.destination_port in self._ports else back
        if ends.destination_port not in self._ports:
            return []
        return [self._record(frame, ends, "reset")]

    def _record(self, frame: Frame, ends: Ends, state: str) -> Record:
        fields: dict[str, Any] = {
            "time": frame.time,
            "site": self._site,
            **ends._asdict(),
            "protocol": "tcp",
            "state": state,
            "source_mac": (frame.source_mac.lower() or None) if ends.source == frame.source else None,
            "capture": self._capture,
            "frames": [frame.place],
        }
        return Record(FLOW, fields)
