"""Cutting tshark's JSON output into one text per frame, as it arrives and within a bound.

`tshark -T json` writes one array; each frame is an object indented by two spaces. Inside JSON strings a line feed is
always escaped, so a line that starts with exactly two spaces and a brace can only be the edge of a frame.
"""

from collections.abc import Iterator
from typing import Final

#: Longest text of one frame (bytes); 64 KiB of the shortest APDUs stay well below it.
MAX_BLOCK: Final = 8 * 1024 * 1024

_OPEN: Final = b"\n  {"
_CLOSE: Final = b"\n  }"


class Blocks:
    """Collects output and hands over whole frames.

    A frame whose text exceeds the bound is handed over as None and its rest is passed over.
    """

    def __init__(self, max_block: int = MAX_BLOCK) -> None:
        self._max = max_block
        self._buffer = bytearray()
        self._inside = False
        self._skipping = False
        self._seen = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The frames that this chunk of output completes."""
        self._buffer += chunk
        while True:
            if not self._inside:
                start = self._buffer.find(_OPEN)
                if start < 0:
                    # Keep what may be the first bytes of an edge.
                    del self._buffer[: max(0, len(self._buffer) - len(_OPEN) + 1)]
                    return
                del self._buffer[: start + 1]
                self._inside, self._skipping, self._seen = True, False, 0
            end = self._buffer.find(_CLOSE, self._seen)
            if end < 0:
                if len(self._buffer) > self._max:
                    self._skipping = True
                if self._skipping:
                    del self._buffer[: max(0, len(self._buffer) - len(_CLOSE) + 1)]
                self._seen = max(0, len(self._buffer) - len(_CLOSE) + 1)
                return
            block = None if self._skipping or end > self._max else bytes(self._buffer[: end + len(_CLOSE)])
            del self._buffer[: end + len(_CLOSE)]
            self._inside = False
            yield block
