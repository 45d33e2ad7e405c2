"""Joining Modbus requests and responses into transactions, with bounded memory."""

from collections import OrderedDict
from typing import Any, Final

from ingest.source import Record
from ingest.tap.modbus import Pdu, Peers
from schemas.records import MODBUS

#: How long a request waits for its response, in the capture's time (microseconds).
PATIENCE: Final = 10_000_000
#: Most requests that wait at once; beyond it the oldest is given up.
MAX_PENDING: Final = 65_536


class Joiner:
    """Requests that wait for their response, and finished transactions that a retransmission may still belong to.

    A second request of the same transaction identifier ends the wait of the first: identifiers must be unique among
    the requests of a client that are outstanding (Modbus messaging guide, section 4.2).

    Args:
        site: locality of the records.
        capture: name of the capture file.
        patience: how long a request waits (microseconds of the capture's time).
        hold: how long a finished transaction can still take in the frame of a retransmission (microseconds); whoever
            consumes the records must keep them back as long.
    """

    def __init__(self, site: str, capture: str | None, patience: int = PATIENCE, hold: int = 0) -> None:
        self._site = site
        self._capture = capture
        self._patience = patience
        self._hold = hold
        self._pending: OrderedDict[Peers, Pdu] = OrderedDict()
        self._done: OrderedDict[Peers, Record] = OrderedDict()

    @property
    def oldest(self) -> int | None:
        """Time of the request that has waited longest."""
        return next(iter(self._pending.values())).time if self._pending else None

    def take(self, pdu: Pdu) -> list[Record]:
        """Add a PDU; returns the transactions that it ends."""
        if pdu.request:
            given_up = [self._finish(old, None)] if (old := self._pending.pop(pdu.peers, None)) else []
            self._pending[pdu.peers] = pdu
            if len(self._pending) > MAX_PENDING:
                given_up.append(self._finish(self._pending.popitem(last=False)[1], None))
            return given_up
        request = self._pending.get(pdu.peers)
        if request is None or request.function != pdu.function:
            return [self._finish(None, pdu)]
        del self._pending[pdu.peers]
        return [self._finish(request, pdu)]

    def resent(self, peers: Peers, frame: int) -> bool:
        """Count a retransmitted frame to its transaction; False where that is not at hand any more."""
        if (pdu := self._pending.get(peers)) is not None:
            pdu.frames.append(frame)
            return True
        if (record := self._done.get(peers)) is not None:
            record.fields["frames"].append(frame)
            return True
        return False

    def expire(self, now: int) -> list[Record]:
        """The requests whose patience is over at `now` (microseconds since 1970)."""
        while self._done and next(iter(self._done.values())).fields["time"] < now - self._hold:
            self._done.popitem(last=False)
        given_up = []
        while (oldest := self.oldest) is not None and oldest < now - self._patience:
            given_up.append(self._finish(self._pending.popitem(last=False)[1], None))
        return given_up

    def forget(self, time: int) -> None:
        """Transactions up to `time` have left: no retransmission can be added to them."""
        while self._done and next(iter(self._done.values())).fields["time"] <= time:
            self._done.popitem(last=False)

    def finish(self) -> list[Record]:
        """All that still wait."""
        left = [self._finish(pdu, None) for pdu in self._pending.values()]
        self._pending.clear()
        self._done.clear()
        return left

    def _finish(self, request: Pdu | None, response: Pdu | None) -> Record:
        first = request or response
        assert first is not None
        peers = first.peers
        fields: dict[str, Any] = {
            "time": first.time,
            "site": self._site,
            "client": peers.client,
            "client_port": peers.client_port,
            "server": peers.server,
            "server_port": peers.server_port,
            "transaction": peers.transaction,
            "unit": peers.unit,
            "function": first.function,
            "requested": request is not None,
            "responded": response is not None,
            "capture": self._capture,
            "frames": [*(request.frames if request else ()), *(response.frames if response else ())],
        }
        # The request's word counts; a response only adds what the request does not say (the count of a FIFO queue).
        fields |= (response.fields if response else {}) | (request.fields if request else {})
        if request is not None:
            fields["request_values"] = request.values
        if response is not None:
            fields["response_values"] = _trimmed(response, fields.get("quantity"))
            fields["exception"] = response.exception
        if request is not None and response is not None:
            fields["latency_ms"] = (response.time - request.time) / 1000
        record = Record(MODBUS, fields)
        if self._hold:
            self._done[peers] = record
            self._done.move_to_end(peers)
        return record


def _trimmed(response: Pdu, quantity: int | None) -> list[int] | None:
    """Values of a response; coils come in whole bytes, the request's quantity says how many are meant."""
    values = response.values
    if values is not None and response.function in (1, 2) and quantity is not None:
        return values[:quantity]
    return values
