"""From tshark's text of a frame to records and dead letters: the whole decoding of a tap, without any process."""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from itertools import count
from typing import Final

from ingest.source import Item, Record, Refused
from ingest.tap.attempts import RST, SYN, Attempts
from ingest.tap.dnp3 import MalformedDnp3, fragments, link_fault, read_dnp3
from ingest.tap.frame import Frame, Tree, Unreadable, descend, has, head, octets, parse, text
from ingest.tap.goose import MalformedGoose, read_goose
from ingest.tap.iec104 import MalformedApdu, read_apdu
from ingest.tap.mms import MalformedMms, read_association, read_mms
from ingest.tap.modbus import MBAP, MalformedPdu, Peers, mbap_fault, peers, read_pdu
from ingest.tap.modbus_join import PATIENCE, Joiner
from ingest.tap.originals import Originals
from schemas.types import MAX_ITEMS

#: Reasons of the tap's dead letters.
MALFORMED: Final = "malformed"
NOT_DISSECTED: Final = "not dissected"
RETRANSMISSION: Final = "retransmission"
OVERSIZED: Final = "oversized"
UNREADABLE: Final = "unreadable output"

#: How long records of a file are held back (microseconds of the capture's time), so that they leave in time order and
#: a retransmission still finds its transaction.
HOLD: Final = 3_000_000
#: Most records held back at once.
MAX_HELD: Final = 100_000
#: Most frames that wait for the PDU they begin.
MAX_LOOSE: Final = 4_096


#: TCP ports of control devices: MMS, Modbus, ANSI C12.22, IEC 60870-5-104, synchrophasors, DNP3.
CONTROL_PORTS: Final = frozenset({102, 502, 1153, 2404, 4712, 4713, 20_000})


@dataclass(frozen=True)
class Ports:
    """The TCP ports (of DNP3 also UDP) at which the protocols are looked for, and those of control devices."""

    modbus: frozenset[int] = frozenset({502})
    iec104: frozenset[int] = frozenset({2404})
    dnp3: frozenset[int] = frozenset({20_000})
    mms: frozenset[int] = frozenset({102})
    control: frozenset[int] = CONTROL_PORTS

    @property
    def all(self) -> frozenset[int]:
        return self.modbus | self.iec104 | self.dnp3

    @property
    def watched(self) -> frozenset[int]:
        """The ports at which attempts to connect are told."""
        return self.all | self.mms | self.control


class Decoder:
    """Decodes the frames of one capture, in order.

    Every frame that carries one of the protocols, or any payload on their ports, ends up in the `frames` of a record
    or as a dead letter; pure acknowledgements and keep-alive probes carry nothing.

    Args:
        site: locality of the records.
        capture: name of the capture file; None for an interface.
        ports: where to look for the protocols that have no heuristic.
        in_order: hold records back until all earlier ones are known (a file), instead of handing each over at
            once (an interface).
        session: after so many packets tshark starts anew and counts frames from 1 again; 0 where it never does.
    """

    def __init__(
        self, site: str, capture: str | None, ports: Ports | None = None, in_order: bool = True, session: int = 0
    ) -> None:
        self._site = site
        self._capture = capture
        self._ports = ports or Ports()
        self._in_order = in_order
        self._joiner = Joiner(site, capture, hold=HOLD if in_order else 0)
        self._attempts = Attempts(site, capture, self._ports.watched)
        self._originals = Originals(site, capture, self._ports.all)
        self._loose: OrderedDict[int, Refused] = OrderedDict()
        self._before: dict[int, list[int]] = {}
        self._held: list[tuple[int, int, Item]] = []
        self._order = count()
        self._now = 0
        self._session = session
        self._base = 0
        self._number = 0

    def feed(self, block: bytes | None) -> list[Item]:
        """Decode one frame.

        Args:
            block: tshark's JSON of it; None for a frame whose text was longer than the bound.

        Returns:
            What is complete now. Never raises, whatever the bytes.
        """
        if block is None:
            return self._release([Refused(OVERSIZED, "the frame's dissection is longer than the bound")])
        try:
            layers = parse(block)
            frame = head(layers)
        except Unreadable as wrong:
            return self._release([Refused(UNREADABLE, str(wrong), block, self._capture)])
        if self._session and frame.number <= self._number:
            self._base += self._session
        self._number = frame.number
        frame.base = self._base
        waited = self._expired(frame.time)
        return self._release([*waited, *self._frame(frame, layers, _MALFORMED_KEY.encode() in block)])

    def advance(self, now: int) -> list[Item]:
        """Let time pass without a frame: what has waited too long at `now` (microseconds since 1970) comes out."""
        return self._release(self._expired(now))

    def finish(self) -> list[Item]:
        """All that is still held or waiting, at the end of the capture."""
        left: list[Item] = [*self._joiner.finish(), *self._attempts.finish(), *self._loose.values()]
        self._loose.clear()
        self._before.clear()
        for item in left:
            self._keep(item)
        return [heapq.heappop(self._held)[2] for _ in range(len(self._held))]

    def _expired(self, now: int) -> list[Item]:
        self._now = now
        items: list[Item] = [*self._joiner.expire(now), *self._attempts.expire(now)]
        while self._loose:
            oldest = next(iter(self._loose.values()))
            if len(self._loose) <= MAX_LOOSE and now - (oldest.time or 0) <= PATIENCE:
                break
            place, refused = self._loose.popitem(last=False)
            self._before.pop(place, None)
            items.append(refused)
        return items

    def _release(self, items: list[Item]) -> list[Item]:
        """Hold items back, and hand over those that nothing earlier can follow."""
        if not self._in_order:
            return items
        for item in items:
            self._keep(item)
        waiting = (oldest for oldest in (self._joiner.oldest, self._attempts.oldest) if oldest is not None)
        bound = min((self._now - HOLD, *waiting))
        ready = []
        while self._held and (self._held[0][0] < bound or len(self._held) > MAX_HELD):
            time, _, item = heapq.heappop(self._held)
            self._joiner.forget(time)
            ready.append(item)
        return ready

    def _keep(self, item: Item) -> None:
        time = item.fields["time"] if isinstance(item, Record) else item.time
        heapq.heappush(self._held, (self._now if time is None else time, next(self._order), item))

    def _frame(self, frame: Frame, layers: Tree, suspect: bool) -> list[Item]:
        found = [(name, layer) for name, layer in descend(layers, frame) if name in _PDU or name in _BODIES]
        items: list[Item] = [*self._attempts.take(frame), *self._originals.take(frame)]
        if not found:
            return items + self._without_pdu(frame)
        for place, (name, layer) in enumerate(found):
            if name in _BODIES:
                continue  # read with its header
            body = found[place + 1][1] if place + 1 < len(found) and found[place + 1][0] == _PDU[name] else None
            last = not any(later in _PDU for later, _ in found[place + 1 :])
            fault = frame.malformed if last else None
            if fault is None and suspect and (has(layer, _MALFORMED_KEY) or has(body, _MALFORMED_KEY)):
                fault = "malformed packet"
            items += self._pdu(frame, name, layer, body, fault)
        return items

    def _pdu(self, frame: Frame, name: str, layer: Tree, body: Tree | None, fault: str | None) -> list[Item]:
        if fault is not None:
            return [frame.refused(MALFORMED, f"{name}: {fault}", self._capture)]
        items: list[Item] = []
        try:
            match name:
                case "mbtcp":
                    if body is None:
                        raise MalformedPdu("no PDU after the MBAP header")
                    pdu = read_pdu(frame, layer, body, self._ports.modbus)
                    self._found(pdu.frames)
                    items += self._joiner.take(pdu)
                case "iec60870_104":
                    if (stray := text(layer, "iec60870_104.data")) is not None:
                        detail = f"iec60870_104: {len(octets(stray))} bytes before the start byte"
                        items.append(frame.refused(MALFORMED, detail, self._capture))
                    records = read_apdu(frame, layer, body, self._site, self._capture)
                    self._found(records[0].fields["frames"])
                    items += records
                case "dnp3":
                    items += self._dnp3(frame, layer)
                case "mms":
                    items.append(read_mms(frame, layer, self._site, self._capture))
                case "acse":
                    at_mms = not self._ports.mms.isdisjoint((frame.source_port, frame.destination_port))
                    record = read_association(frame, layer, self._site, self._capture) if at_mms else None
                    items += [record] if record else []
                case _:
                    items.append(read_goose(frame, layer, self._site, self._capture))
        except (MalformedPdu, MalformedApdu, MalformedGoose, MalformedDnp3, MalformedMms) as wrong:
            items.append(frame.refused(MALFORMED, f"{name}: {wrong}", self._capture))
        return items

    def _dnp3(self, frame: Frame, layer: Tree) -> list[Item]:
        """A message, with the frames of its earlier link frames, or a link frame that waits for the end of its message."""
        record = read_dnp3(frame, layer, self._site, self._capture)
        if record is None:
            *earlier, place = frame.take_frames()
            self._before[place] = earlier
            detail = "part of a DNP3 message whose end was not seen"
            self._loose[place] = frame.refused(NOT_DISSECTED, detail, self._capture)
            return []
        frames = set(record.fields["frames"])
        for number in {self._base + n for n in fragments(layer)} & self._loose.keys():
            frames |= {number, *self._before.pop(number, ())}
        record.fields["frames"] = sorted(frames)[-MAX_ITEMS:]
        self._found(record.fields["frames"])
        return [record]

    def _found(self, frames: list[int]) -> None:
        for number in frames:
            self._loose.pop(number, None)

    def _without_pdu(self, frame: Frame) -> list[Item]:
        """A frame on the ports in which tshark found no PDU: a retransmission, part of a PDU, or nonsense."""
        payload = frame.payload
        if frame.probe or (not payload and frame.flags & (SYN | RST)):
            return []
        modbus = not self._ports.modbus.isdisjoint((frame.source_port, frame.destination_port))
        if frame.resent:
            if modbus and len(payload) > MBAP and self._joiner.resent(self._peers(frame, payload), frame.place):
                return []
            return [frame.refused(RETRANSMISSION, "seen before, its record has left", self._capture)]
        if frame.malformed is not None:
            return [frame.refused(MALFORMED, frame.malformed, self._capture)]
        fault = mbap_fault(payload) if modbus else None
        if not self._ports.dnp3.isdisjoint((frame.source_port, frame.destination_port)):
            fault = link_fault(payload)
        reason, detail = (MALFORMED, fault) if fault else (NOT_DISSECTED, "no PDU ends in this segment")
        # It may still turn out to hold the beginning of a PDU.
        self._loose[frame.place] = frame.refused(reason, detail, self._capture)
        return []

    def _peers(self, frame: Frame, payload: bytes) -> Peers:
        request = frame.destination_port in self._ports.modbus
        return peers(frame, int.from_bytes(payload[:2]), payload[MBAP - 1], request)


def decode_block(block: bytes, site: str, capture: str | None = None, ports: Ports | None = None) -> list[Item]:
    """Decode one frame on its own; pure, and never raises whatever the bytes."""
    decoder = Decoder(site, capture, ports)
    return [*decoder.feed(block), *decoder.finish()]


#: The layers that begin a PDU, and the layer that goes on with it.
_PDU: Final[dict[str, str | None]] = {
    "mbtcp": "modbus",
    "iec60870_104": "iec60870_asdu",
    "goose": None,
    "dnp3": None,
    "mms": None,
    "acse": None,
}
#: Stands wherever tshark gave up.
_MALFORMED_KEY: Final = "_ws.malformed"
_BODIES: Final = frozenset({"modbus", "iec60870_asdu"})
