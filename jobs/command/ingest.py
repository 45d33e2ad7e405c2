"""`gridwatch ingest`: one subcommand a source; each publishes what it reads and ends with a counter line."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, cast

import typer

from jobs.command.context import require_files, say, settings_of
from schemas.errors import UsageFault

if TYPE_CHECKING:
    from ingest.publisher import Publisher
    from ingest.source import Item, Source

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Read a source and publish its records.",
    epilog="Example: gridwatch ingest tap capture.pcap --site-name substation-1",
)

To = Annotated[
    str, typer.Option("--to", metavar="kafka|-", help="Where to: the Kafka of the settings, or - for JSON lines.")
]
Files = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE]...", help="Files, plain or gzip; - is standard input.")
]


@app.command()
def tap(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="pcap or pcapng captures.")] = None,
    interface: Annotated[
        str | None, typer.Option("-i", "--interface", help="Live interface, or a FIFO of pcap.")
    ] = None,
    site_name: Annotated[str | None, typer.Option(help="The substation; default: the name in the site file.")] = None,
    modbus_port: Annotated[list[int] | None, typer.Option(help="TCP port of Modbus; repeatable.")] = None,
    iec104_port: Annotated[list[int] | None, typer.Option(help="TCP port of IEC 60870-5-104; repeatable.")] = None,
    dnp3_port: Annotated[list[int] | None, typer.Option(help="TCP or UDP port of DNP3; repeatable.")] = None,
    mms_port: Annotated[list[int] | None, typer.Option(help="TCP port of MMS; repeatable.")] = None,
    capture_filter: Annotated[str, typer.Option("--filter", help="Capture filter of libpcap, for an interface.")] = "",
    to: To = "kafka",
) -> None:
    """Modbus, IEC 60870-5-104, DNP3, MMS, GOOSE and connection attempts, by tshark, from captures or a live interface.

    Example: gridwatch ingest tap -i eth1 --site-name substation-1
    """
    from ingest.tap import Ports, TapOptions, read_capture, read_interface

    if bool(files) == bool(interface):
        raise UsageFault("name captures or one interface", "ingest tap", "give FILE... or -i INTERFACE")
    require_files(files)
    defaults = Ports()
    ports = Ports(
        modbus=frozenset(modbus_port) if modbus_port else defaults.modbus,
        iec104=frozenset(iec104_port) if iec104_port else defaults.iec104,
        dnp3=frozenset(dnp3_port) if dnp3_port else defaults.dnp3,
        mms=frozenset(mms_port) if mms_port else defaults.mms,
    )
    options = TapOptions(ports=ports, capture_filter=capture_filter)
    site = site_name or _site_name(context)
    if interface:
        _publish(context, read_interface(interface, site, options), "ingest tap", to)
    else:
        captures = (item for file in files or () for item in read_capture(file, site, options))
        _publish(context, captures, "ingest tap", to, bulk=True)


@app.command()
def modbus(
    context: typer.Context,
    points: Annotated[Path, typer.Argument(metavar="POINTS.yaml", help="The point map.")],
    seed: Annotated[int, typer.Option(help="Of the jitter of reconnections.")] = 0,
    to: To = "kafka",
) -> None:
    """Poll the Modbus/TCP devices of a point map, until interrupted.

    Example: gridwatch ingest modbus points.yaml
    """
    import logging

    from ingest.modbus_poll import load_point_map, poll

    # What pymodbus says of a lost device is in the quality of its points.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    _publish(context, poll(load_point_map(points), seed=seed), "ingest modbus", to)


@app.command()
def v2x(
    context: typer.Context,
    files: Files = None,
    udp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Listen for ODE messages instead.")] = None,
    receiver: Annotated[str | None, typer.Option(help="Receiver of messages that do not name theirs.")] = None,
    to: To = "kafka",
) -> None:
    """Basic safety messages of the USDOT ODE (JSON), from files or by UDP.

    Example: gridwatch ingest v2x --udp 127.0.0.1:46800
    """
    from ingest.v2x import listen_ode, read_ode

    if bool(files) == bool(udp):
        raise UsageFault("name files or an address", "ingest v2x", "give FILE... or --udp HOST:PORT")
    require_files(files)
    if udp:
        host, port = host_and_port(udp)
        _publish(context, listen_ode(host, port, receiver, listening), "ingest v2x", to)
    else:
        _publish(context, _each(files, lambda s, name: read_ode(s, name, receiver)), "ingest v2x", to, _bulk(files))


@app.command()
def can(
    context: typer.Context,
    files: Files = None,
    vehicle: Annotated[str, typer.Option(help="The vehicle the bus belongs to.")] = "vehicle",
    interface: Annotated[
        str | None, typer.Option(help="python-can interface, e.g. socketcan or udp_multicast.")
    ] = None,
    channel: Annotated[str, typer.Option(help="Channel of the interface; bus of lines that name none.")] = "can0",
    to: To = "kafka",
) -> None:
    """CAN frames, from candump text or any python-can interface.

    Example: candump -L can0 | gridwatch ingest can - --vehicle truck-7
    """
    from ingest.can import read_bus, read_candump

    if bool(files) == bool(interface):
        raise UsageFault("name files or an interface", "ingest can", "give FILE... or --interface NAME --channel NAME")
    require_files(files)
    if interface:
        source: Iterator[Item] = read_bus(open_bus(interface, channel), vehicle, channel)
        _publish(context, source, "ingest can", to)
    else:
        source = _each(files, lambda s, name: read_candump(s, vehicle, name, channel))
        _publish(context, source, "ingest can", to, _bulk(files))


@app.command()
def records(
    context: typer.Context,
    files: Files = None,
    udp: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Listen for JSON or syslog datagrams instead.")
    ] = None,
    to: To = "kafka",
) -> None:
    """Records of any type as JSON lines or CSV, also inside syslog messages; the column `record` names the type.

    Example: gridwatch ingest records --udp 0.0.0.0:5514
    """
    from ingest.table import listen_table, read_table

    if bool(files) == bool(udp):
        raise UsageFault("name files or an address", "ingest records", "give FILE..., - or --udp HOST:PORT")
    require_files(files)
    if udp:
        _publish(context, listen_table(*host_and_port(udp), listening), "ingest records", to)
    else:
        _publish(context, _each(files, read_table), "ingest records", to, _bulk(files))


@app.command()
def meter(
    context: typer.Context,
    files: Files = None,
    profile: Annotated[str | None, typer.Option(help="Profile of event codes that name none: dlms, is15959.")] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=FIELD", help="Column of the file = field; empty leaves it out.")
    ] = None,
    to: To = "kafka",
) -> None:
    """Readings, events and commands of a meter head-end, from CSV or JSON lines.

    Example: gridwatch ingest meter readings.csv.gz --rename Zaehler=meter
    """
    from ingest.meter_events import PROFILES
    from ingest.table import read_table

    if not files:
        raise UsageFault("name files", "ingest meter", "give FILE..., or - for standard input")
    require_files(files)
    if profile is not None and profile not in PROFILES:
        raise UsageFault(f"no such profile: {profile}", "--profile", f"one of {', '.join(PROFILES)}")
    names: dict[str, str] = {}
    for pair in rename or ():
        column, equals, name = pair.partition("=")
        if not equals:
            raise UsageFault(f"not COLUMN=FIELD: {pair}", "--rename", "e.g. --rename Zaehler=meter")
        names[column] = name
    _publish(
        context, _each(files, lambda s, name: read_table(s, name, profile, names)), "ingest meter", to, _bulk(files)
    )


def open_bus(interface: str, channel: str) -> Any:
    """A python-can bus.

    Raises:
        RunFault: it cannot be opened.
    """
    import can as python_can

    from schemas.errors import RunFault

    try:
        return python_can.Bus(interface=interface, channel=channel)
    except (python_can.CanError, OSError, ValueError, ImportError) as wrong:
        where, remedy = f"{interface}:{channel}", "name an interface of python-can and a channel that is up"
        raise RunFault(f"the CAN bus cannot be opened: {wrong}", where, remedy) from wrong


def listening(host: str, port: int) -> None:
    """Say where a listener listens."""
    say(f"listening on udp {host}:{port}")


def host_and_port(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 address in brackets.

    Raises:
        UsageFault: it is something else.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise UsageFault(f"not HOST:PORT: {text}", "address", "e.g. 127.0.0.1:46800")
    return host.strip("[]"), int(port)


def _bulk(files: list[Path] | None) -> bool:
    """True where nothing is live: no standard input, no FIFO."""
    return all(file.is_file() for file in files or ())


def _each(files: list[Path] | None, read: "Callable[[BinaryIO, str | None], Source]") -> "Source":
    """The items of several files, one after the other."""
    from ingest.lines import open_text

    for file in files or ():
        if str(file) == "-":
            yield from read(cast(BinaryIO, sys.stdin.buffer), None)
        else:
            with open_text(file) as stream:
                yield from read(stream, file.name)


def _site_name(context: typer.Context) -> str:
    from detectors.site import load_site

    return load_site(settings_of(context).site).name


def _publish(context: typer.Context, source: "Iterator[Item]", stage: str, to: str, bulk: bool = False) -> None:
    from ingest.publisher import run

    with _Ending() as ending:
        run(ending.before(source), publisher_of(context, to, bulk), stage, say)


class _Ending:
    """Ctrl-C or SIGTERM, which a service manager sends: taken between two items only, so that each item is either
    published or never read; a second one takes effect at once."""

    def __init__(self) -> None:
        self.told = False
        self._waiting = False

    def __enter__(self) -> "_Ending":
        # Both, since a shell starts its background processes with interrupts ignored.
        self._before = [(number, signal.signal(number, self._tell)) for number in (signal.SIGINT, signal.SIGTERM)]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)

    def _tell(self, *_: object) -> None:
        if self.told or self._waiting:
            raise KeyboardInterrupt
        self.told = True

    def before(self, source: "Iterator[Item]") -> "Source":
        """The items of a source until told to end."""
        try:
            while not self.told:
                self._waiting = True
                item = next(source, None)
                self._waiting = False
                if item is None:
                    return
                yield item
        except KeyboardInterrupt:
            self.told = True
        finally:
            self._waiting = False
            close = getattr(source, "close", None)
            if close is not None:
                close()


def publisher_of(context: typer.Context, to: str, bulk: bool) -> "Publisher":
    """Where records go: the Kafka of the settings, or JSON lines on standard output.

    Raises:
        UsageFault: another destination.
        RunFault: the broker does not answer.
    """
    import time

    def clock() -> int:
        return time.time_ns() // 1000

    if to == "-":
        from ingest.publisher_lines import LinesPublisher

        return LinesPublisher(sys.stdout, clock)
    if to != "kafka":
        raise UsageFault(f"unknown destination: {to}", "--to", "kafka, or - for JSON lines on standard output")
    from ingest.publisher import Pace
    from ingest.publisher_confluent import ConfluentPublisher
    from jobs.connections import reached_broker

    return ConfluentPublisher(reached_broker(settings_of(context)), clock, Pace.BULK if bulk else Pace.LIVE)
