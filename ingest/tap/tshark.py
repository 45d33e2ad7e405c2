"""Running tshark, the dissector, on a capture file or a live interface."""

import contextlib
import os
import select
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.source import Item, Refused
from ingest.tap.blocks import Blocks
from ingest.tap.decode import Decoder, Ports
from schemas.errors import RunFault

#: Layers that tshark writes out in full; all others it only names.
_LAYERS: Final = (
    "frame eth vlan ip ipv6 ip.fragments ipv6.fragments tcp tcp.segments mbtcp modbus iec60870_104 iec60870_asdu goose "
    "_ws.malformed _ws.short"
)
_CHUNK: Final = 1 << 16
#: Lines of tshark's messages that are kept.
_MESSAGES: Final = 20
#: tshark forgets its connections after so many packets of an interface, or its memory would grow for ever.
_RESET_PACKETS: Final = 500_000
#: How often (s) requests that wait are looked at while an interface is silent.
_IDLE_S: Final = 1.0
_DAMAGED: Final = ("cut short", "damaged or corrupt")
_INSTALL: Final = "install tshark 3.6 or newer (Debian/Ubuntu: apt install tshark; macOS: brew install wireshark)"


@dataclass(frozen=True)
class TapOptions:
    """How to tap.

    Args:
        ports: TCP ports of Modbus and IEC 60870-5-104.
        tshark: the executable.
        capture_filter: for an interface, in libpcap's syntax; empty lets all pass.
    """

    ports: Ports = field(default_factory=Ports)
    tshark: str = "tshark"
    capture_filter: str = ""


def read_capture(path: Path, site: str, options: TapOptions | None = None) -> Iterator[Item]:
    """The records of a capture file (whatever format tshark reads, also gzip-compressed), in order of time.

    A file that breaks off yields what it holds and one dead letter.

    Raises:
        RunFault: tshark is absent, or cannot read the file.
    """
    options = options or TapOptions()
    decoder = Decoder(site, path.name, options.ports)
    with _Tshark([*_command(options), "-r", os.fspath(path)], options.tshark) as tshark:
        blocks = Blocks()
        while chunk := tshark.read():
            for block in blocks.feed(chunk):
                yield from decoder.feed(block)
        yield from decoder.finish()
        message = tshark.wait()
        if message is None:
            return
        if not any(sign in message for sign in _DAMAGED):
            raise RunFault(f"tshark: {message}", str(path), "give a pcap or pcapng file that tshark can open")
        yield Refused("damaged capture", message, capture=path.name)


def read_interface(interface: str, site: str, options: TapOptions | None = None) -> Iterator[Item]:
    """The records of a live interface, each as soon as it is complete; ends when the iterator is closed.

    Raises:
        RunFault: tshark is absent, may not capture, or ends by itself.
    """
    options = options or TapOptions()
    decoder = Decoder(site, None, options.ports, in_order=False)
    live = ["-i", interface, "-l", "-M", str(_RESET_PACKETS)]
    if options.capture_filter:
        live += ["-f", options.capture_filter]
    with _Tshark([*_command(options), *live], options.tshark) as tshark:
        blocks = Blocks()
        while True:
            if not tshark.ready(_IDLE_S):
                yield from decoder.advance(time.time_ns() // 1000)
                continue
            chunk = tshark.read()
            if not chunk:
                break
            for block in blocks.feed(chunk):
                yield from decoder.feed(block)
        yield from decoder.finish()
        message = tshark.wait() or "ended by itself"
    raise RunFault(
        f"tshark: {message}",
        f"interface {interface}",
        "name an interface of `tshark -D` and capture as root or as a member of the group wireshark",
    )


def _command(options: TapOptions) -> list[str]:
    ports = options.ports
    decode_as = [f"tcp.port=={port},mbtcp" for port in sorted(ports.modbus)]
    decode_as += [f"tcp.port=={port},iec60870_104" for port in sorted(ports.iec104)]
    on_ports = " || ".join(f"tcp.port == {port}" for port in sorted(ports.all)) or "false"
    # An ICMP error quotes the head of another packet: that packet was not sent here.
    wanted = f"(mbtcp || iec60870_104 || goose || (tcp.len > 0 && ({on_ports}))) && !icmp && !icmpv6"
    command = [options.tshark, "-n", "-T", "json", "-J", _LAYERS, "-Y", wanted]
    # Payload is looked at also where the capture misses a segment before it.
    command += ["-o", "tcp.no_subdissector_on_error:FALSE"]
    for rule in decode_as:
        command += ["-d", rule]
    return command


class _Tshark:
    """A running tshark; leaving the context ends it."""

    def __init__(self, command: list[str], executable: str) -> None:
        self._command = command
        self._executable = executable
        self._messages: deque[str] = deque(maxlen=_MESSAGES)

    def __enter__(self) -> "_Tshark":
        # An empty configuration: a user's preferences and Lua scripts must not change what is read.
        self._config = tempfile.TemporaryDirectory(prefix="gridwatch-tshark-")
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C", "WIRESHARK_CONFIG_DIR": self._config.name}
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            self._config.cleanup()
            raise RunFault(f"cannot run tshark: {error.strerror}", self._executable, _INSTALL) from error
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._listener = threading.Thread(target=self._listen, name="tshark messages", daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._config.cleanup()

    def read(self) -> bytes:
        """What tshark has written; waits for it; empty at the end."""
        return os.read(self._output, _CHUNK)

    def ready(self, timeout_s: float) -> bool:
        """True as soon as there is something to read, False after the time-out."""
        return bool(select.select([self._output], [], [], timeout_s)[0])

    def wait(self) -> str | None:
        """Wait for its end; its last message where it failed."""
        code = self._process.wait()
        self._listener.join()
        if code == 0:
            return None
        return " ".join(self._messages)[:300] or f"exit code {code}"

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            said = line[:300].decode("utf-8", "replace").strip()
            if said and not said.startswith(("Running as user", "Capturing on")):
                self._messages.append(said.removeprefix("tshark: "))
