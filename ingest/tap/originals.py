"""What a TCP stream said the first time: a repetition that says something else comes from somebody in between.

Stacks send the same bytes again. Two contents for one place of a stream mean that one was injected into the connection, or
changed on its way by a host that relays it. Zeek's `rexmit_inconsistency` is the same observation.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from ingest.source import Record
from ingest.tap.frame import Frame
from schemas.records import FLOW

#: Most streams (one direction of a connection) remembered, bytes of each, and segments whose frames are known.
MAX_STREAMS: Final = 1_024
KEPT_BYTES: Final = 4_096
KEPT_FRAMES: Final = 64
_MODULUS: Final = 1 << 32

_Ends = tuple[str, int, str, int]


@dataclass
class _Stream:
    """The latest bytes of a stream, the sequence number of the first of them, and where segments began in which frame."""

    begin: int
    content: bytearray
    frames: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=KEPT_FRAMES))

    def append(self, payload: bytes, place: int) -> None:
        self.frames.append(((self.begin + len(self.content)) % _MODULUS, place))
        self.content += payload
        surplus = len(self.content) - KEPT_BYTES
        if surplus > 0:
            del self.content[:surplus]
            self.begin = (self.begin + surplus) % _MODULUS

    def frame_of(self, sequence: int) -> list[int]:
        """The frame that held a byte first; [] where that is not known any more."""
        held = [place for start, place in self.frames if (sequence - start) % _MODULUS < _MODULUS >> 1]
        return held[-1:]


class Originals:
    """The first contents of the latest bytes of each stream.

    Args:
        site: locality of the records.
        capture: name of the capture file.
        ports: the ports of the protocols: the side with one of them is the destination.
    """

    def __init__(self, site: str, capture: str | None, ports: frozenset[int]) -> None:
        self._site = site
        self._capture = capture
        self._ports = ports
        self._streams: OrderedDict[_Ends, _Stream] = OrderedDict()

    def take(self, frame: Frame) -> list[Record]:
        """Look at a segment; returns a record where it contradicts what was said before."""
        payload = frame.payload
        if not payload or frame.sequence is None or frame.probe:
            return []
        ends = (frame.source, frame.source_port, frame.destination, frame.destination_port)
        stream = self._streams.get(ends)
        offset = -1 if stream is None else (frame.sequence - stream.begin) % _MODULUS
        if stream is None or offset > len(stream.content):
            if stream is not None and offset >= _MODULUS - KEPT_BYTES:
                return []  # older than what is remembered
            self._streams[ends] = stream = _Stream(frame.sequence, bytearray())
            offset = 0
        self._streams.move_to_end(ends)
        if len(self._streams) > MAX_STREAMS:
            self._streams.popitem(last=False)
        first = stream.content[offset : offset + len(payload)]
        said = payload[: len(first)]
        differs = next((at for at in range(len(first)) if first[at] != said[at]), None) if first != said else None
        known = [] if differs is None else stream.frame_of((frame.sequence + differs) % _MODULUS)
        if len(payload) > len(first):
            stream.append(payload[len(first) :], frame.place)
        return [] if differs is None else [self._record(frame, ends, known)]

    def _record(self, frame: Frame, ends: _Ends, known: list[int]) -> Record:
        source, source_port, destination, destination_port = (
            ends if frame.destination_port in self._ports else (*ends[2:], *ends[:2])
        )
        fields = {
            "time": frame.time,
            "site": self._site,
            "source": source,
            "source_port": source_port,
            "destination": destination,
            "destination_port": destination_port,
            "protocol": "tcp",
            "state": "inconsistent",
            "capture": self._capture,
            "frames": [*known, frame.place],
        }
        return Record(FLOW, fields)
