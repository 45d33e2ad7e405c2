"""Running tshark, the dissector, on a capture file or a live interface."""

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
from typing import IO, Final

from ingest.source import Item, Refused, capture_name
from ingest.tap.blocks import Blocks
from ingest.tap.decode import Decoder, Ports
from schemas.errors import RunFault

#: Layers that tshark writes out in full; all others it only names.
_LAYERS: Final = (
    "frame eth vlan ip ipv6 ip.fragments ipv6.fragments tcp tcp.segments udp mbtcp modbus iec60870_104 iec60870_asdu goose "
    "dnp3 acse mms _ws.malformed _ws.short"
)
#: Presentation contexts of associations whose beginning is not in the capture: ACSE and MMS, as IEC 61850 stacks number them.
_CONTEXTS: Final = (("1", "2.2.1.0.1"), ("3", "1.0.9506.2.1"))
_CHUNK: Final = 1 << 16
#: Lines of tshark's messages that are kept.
_MESSAGES: Final = 20
#: After so many packets of an interface tshark starts anew, or its memory would grow for ever.
SESSION_PACKETS: Final = 500_000
_KERNEL_BUFFER_MIB: Final = 16
#: How often (s) requests that wait are looked at while an interface is silent.
_IDLE_S: Final = 1.0
_CHATTER: Final = ("Running as user", "Capturing on", "File: ", "resetting session")
_DAMAGED: Final = ("cut short", "damaged or corrupt")
_INSTALL: Final = "install tshark 3.6 or newer (Debian/Ubuntu: apt install tshark; macOS: brew install wireshark)"


@dataclass(frozen=True)
class TapOptions:
    """How to tap.

    Args:
        ports: where the protocols are looked for.
        tshark: the executable that dissects.
        dumpcap: the executable that captures from an interface; it comes with tshark.
        capture_filter: for an interface, in libpcap's syntax; empty lets all pass.
    """

    ports: Ports = field(default_factory=Ports)
    tshark: str = "tshark"
    dumpcap: str = "dumpcap"
    capture_filter: str = ""


def read_capture(path: Path, site: str, options: TapOptions | None = None) -> Iterator[Item]:
    """The records of a capture file (whatever format tshark reads, also gzip-compressed), in order of time.

    A file that breaks off yields what it holds and one dead letter.

    Raises:
        RunFault: tshark is absent, or cannot read the file.
    """
    options = options or TapOptions()
    decoder = Decoder(site, capture_name(path), options.ports)
    with _Dissection([*dissect_command(options), "-r", os.fspath(path)]) as dissection:
        blocks = Blocks()
        while chunk := dissection.read():
            for block in blocks.feed(chunk):
                yield from decoder.feed(block)
        yield from decoder.finish()
        message = dissection.wait()
        if message is None:
            return
        if not any(sign in message for sign in _DAMAGED):
            raise RunFault(f"tshark: {message}", str(path), "give a pcap or pcapng file that tshark can open")
        yield Refused("damaged capture", message, capture=capture_name(path))


def read_interface(interface: str, site: str, options: TapOptions | None = None) -> Iterator[Item]:
    """The records of a live interface, each as soon as it is complete; ends when the iterator is closed.

    dumpcap captures and tshark dissects, joined by a pipe: tshark on its own would write all packets to a temporary
    file that grows for ever, and see them half a second late.

    Raises:
        RunFault: tshark or dumpcap is absent, may not capture, or ends by itself.
    """
    options = options or TapOptions()
    decoder = Decoder(site, None, options.ports, in_order=False, session=SESSION_PACKETS)
    capture = [options.dumpcap, "-q", "-P", "-i", interface, "-B", str(_KERNEL_BUFFER_MIB), "-w", "-"]
    if options.capture_filter:
        capture += ["-f", options.capture_filter]
    dissect = [*dissect_command(options), "-r", "-", "-l", "-M", str(SESSION_PACKETS)]
    with _Dissection(dissect, capture) as dissection:
        blocks, heard = Blocks(), False
        while True:
            if not dissection.ready(_IDLE_S):
                yield from decoder.advance(time.time_ns() // 1000)
                continue
            chunk = dissection.read()
            if not chunk:
                break
            heard = True
            for block in blocks.feed(chunk):
                yield from decoder.feed(block)
        yield from decoder.finish()
        message = dissection.wait() or "ended by itself"
    if Path(interface).is_fifo() and heard:
        return  # whoever wrote the capture into it has ended
    raise RunFault(
        f"cannot capture: {message}",
        f"interface {interface}",
        "name an interface of `dumpcap -D` and capture as root or as a member of the group wireshark",
    )


def dissect_command(options: TapOptions) -> list[str]:
    """tshark's command line, without its input: JSON of the frames that the tap reads."""
    ports = options.ports
    on_ports = " || ".join(f"tcp.port == {port}" for port in sorted(ports.all)) or "false"
    # An ICMP error quotes the head of another packet: that packet was not sent here.
    datagrams = " || ".join(f"udp.port == {port}" for port in sorted(ports.dnp3)) or "false"
    payloads = f"(tcp.len > 0 && ({on_ports})) || (udp.length > 8 && ({datagrams}))"
    watched = " || ".join(f"tcp.port == {port}" for port in sorted(ports.watched)) or "false"
    attempts = f"((tcp.flags.syn == 1 || tcp.flags.reset == 1) && ({watched}))"
    # Other protocols share MMS's port: of that only what breaks is told beside MMS and the association beneath it.
    at_mms = " || ".join(f"tcp.port == {port}" for port in sorted(ports.mms)) or "false"
    associations = f"mms || ((acse || _ws.malformed) && ({at_mms}))"
    wanted = (
        f"(mbtcp || iec60870_104 || goose || dnp3 || {associations} || {payloads} || {attempts}) && !icmp && !icmpv6"
    )
    command = [options.tshark, "-n", "-T", "json", "-J", _LAYERS, "-Y", wanted]
    # Payload is looked at also where the capture misses a segment before it.
    command += ["-o", "tcp.no_subdissector_on_error:FALSE"]
    # Modbus by preference, not by -d: its dissector tells requests from responses by these ports.
    command += ["-o", f"mbtcp.tcp.port:{','.join(map(str, sorted(ports.modbus)))}"]
    for port in sorted(ports.iec104):
        command += ["-d", f"tcp.port=={port},iec60870_104"]
    for port in sorted(ports.dnp3):
        command += ["-d", f"tcp.port=={port},dnp3", "-d", f"udp.port=={port},dnp3"]
    for number, syntax in _CONTEXTS:
        command += ["-o", f'uat:pres_context_list:"{number}","{syntax}"']
    for port in sorted(ports.mms):
        command += ["-d", f"tcp.port=={port},tpkt"]
    return command


class _Dissection:
    """A running tshark, fed by a file it opens itself or by a capturing process; leaving the context ends both."""

    def __init__(self, dissect: list[str], capture: list[str] | None = None) -> None:
        self._commands = [dissect] if capture is None else [capture, dissect]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listeners: list[threading.Thread] = []
        self._messages: deque[str] = deque(maxlen=_MESSAGES)

    def __enter__(self) -> "_Dissection":
        # An empty configuration: a user's preferences and Lua scripts must not change what is read.
        self._config = tempfile.TemporaryDirectory(prefix="gridwatch-tshark-")
        environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C", "WIRESHARK_CONFIG_DIR": self._config.name}
        try:
            for command in self._commands:
                self._start(command, environment)
        except OSError as error:
            self.__exit__()
            raise RunFault(f"cannot run {command[0]}: {error.strerror}", "PATH", _INSTALL) from error
        return self

    def _start(self, command: list[str], environment: dict[str, str]) -> None:
        process = subprocess.Popen(
            command,
            stdin=self._processes[-1].stdout if self._processes else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            process_group=0,  # Ctrl-C is ours to handle: what was read is still decoded
        )
        if self._processes:
            # Only the reader may hold the pipe, or the capture would never learn that the reader is gone.
            _close(self._processes[-1].stdout)
        self._processes.append(process)
        listener = threading.Thread(target=self._listen, args=(process.stderr,), name=command[0], daemon=True)
        self._listeners.append(listener)
        listener.start()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for listener in self._listeners:
            listener.join()
        for process in self._processes:
            _close(process.stdout)
            _close(process.stderr)
        self._config.cleanup()

    @property
    def _output(self) -> int:
        stdout = self._processes[-1].stdout
        assert stdout is not None
        return stdout.fileno()

    def read(self) -> bytes:
        """What tshark has written; waits for it; empty at the end."""
        return os.read(self._output, _CHUNK)

    def ready(self, timeout_s: float) -> bool:
        """True as soon as there is something to read, False after the time-out."""
        return bool(select.select([self._output], [], [], timeout_s)[0])

    def wait(self) -> str | None:
        """Wait for the end; the last messages where a process failed."""
        codes = [process.wait() for process in self._processes]
        for listener in self._listeners:
            listener.join()
        if not any(codes):
            return None
        return " ".join(self._messages)[:300] or f"exit code {max(codes, key=abs)}"

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            said = line[:300].decode("utf-8", "replace").strip()
            if said and not said.startswith(_CHATTER):
                self._messages.append(said.removeprefix("tshark: "))


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()
