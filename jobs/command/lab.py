"""`gridwatch lab`: simulated meters, substations, vehicles and CAN buses with real traffic and injected attacks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, cast

import typer

from jobs.command.context import say, settings_of
from jobs.command.ingest import host_and_port, open_bus
from jobs.command.lab_scenario import scenario
from schemas.errors import RunFault, UsageFault

if TYPE_CHECKING:
    import socket

    from ingest.lab.attacks import Injection

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make traffic of a simulated grid and road, with attacks at known moments.",
    epilog="Example: gridwatch lab meters --seconds 60 | gridwatch ingest meter - --to -",
)
app.command()(scenario)

Seconds = Annotated[float, typer.Option(min=1, max=86_400, help="How long.")]
Seed = Annotated[int, typer.Option(help="Of everything that is drawn.")]
Truth = Annotated[Path | None, typer.Option(help="JSON lines of what was really done are appended here.")]
Attacks = Annotated[
    list[str] | None,
    typer.Option("--attack", metavar="NAME@START[+SECONDS]", help="Repeatable; default: each attack once."),
]
Peace = Annotated[bool, typer.Option("--peace", help="No attacks.")]
To = Annotated[str, typer.Option("--to", metavar="-|FILE", help="Where to; - is standard output.")]
Start = Annotated[
    str | None, typer.Option(metavar="TIME", help="Say all at once, as if it had begun then (ISO 8601 with a zone).")
]


@app.command()
def attacks() -> None:
    """List the attacks: name, threat, detector, part of the lab, what happens.

    Example: gridwatch lab attacks
    """
    from ingest.lab.attacks import ATTACKS

    for attack in ATTACKS:
        typer.echo(f"{attack.name:<22} {attack.threat:<7} {attack.detector:<20} {attack.part:<11} {attack.says}")


@app.command()
def files(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="Where to write site.yaml, points.yaml and places.csv.")],
    meters: Annotated[int, typer.Option(min=1, max=30_000)] = 200,
    modbus_port: Annotated[int, typer.Option(min=1, max=65535)] = 5020,
    iec104_port: Annotated[int, typer.Option(min=1, max=65535)] = 2404,
) -> None:
    """Write what the lab's site is made of: the site file for the detectors, the point map for `ingest modbus`, and
    the places for `database places`.

    Example: gridwatch lab files lab
    """
    import yaml

    from ingest.lab.load_profiles import load_profiles
    from ingest.lab.places import places_file
    from ingest.lab.site_facts import Addresses, point_map, site_facts

    addresses = Addresses(modbus_port, iec104_port)
    customers = load_profiles(meters, _cache(context)).customers
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        "site.yaml": yaml.safe_dump(site_facts(addresses, customers), sort_keys=False),
        "points.yaml": yaml.safe_dump(point_map(addresses), sort_keys=False),
        "places.csv": places_file(customers),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
        typer.echo(directory / name)


@app.command()
def meters(
    context: typer.Context,
    number: Annotated[int, typer.Option("--meters", min=1, max=30_000, help="How many.")] = 200,
    period: Annotated[float, typer.Option(min=0.01, help="Seconds in which each meter reports once.")] = 1.0,
    seconds: Seconds = 120.0,
    seed: Seed = 7,
    truth: Truth = None,
    attack: Attacks = None,
    peace: Peace = False,
    to: To = "-",
    start: Start = None,
) -> None:
    """Meters on SimBench load profiles, as the JSON lines of a head-end.

    Example: gridwatch lab meters --seconds 60 --truth truth.jsonl | gridwatch ingest meter -
    """
    from ingest.lab.attacks import METERS, TruthFile
    from ingest.lab.load_profiles import load_profiles
    from ingest.lab.meters import meter_lines
    from ingest.lab.pace import play

    plan = _plan(METERS, seconds, attack, peace)
    profiles = load_profiles(number, _cache(context))
    with _lines(to) as (write, flush):
        script = meter_lines(profiles, seconds, _start(start), seed, plan, period)
        _count("lab meters", play(script, write, TruthFile(truth), start is None, flush))


@app.command()
def can(
    channel: Annotated[str, typer.Option(help="Name of the bus; with --interface, its channel.")] = "can0",
    interface: Annotated[str | None, typer.Option(help="python-can interface to send on, instead of text.")] = None,
    seconds: Seconds = 120.0,
    seed: Seed = 7,
    truth: Truth = None,
    attack: Attacks = None,
    peace: Peace = False,
    to: To = "-",
    start: Start = None,
) -> None:
    """A vehicle's CAN bus, as candump text or on a python-can interface.

    Example: gridwatch lab can --seconds 60 | gridwatch ingest can - --vehicle car-1
    """
    from ingest.lab.attacks import CAN, TruthFile
    from ingest.lab.can_bus import can_frames
    from ingest.lab.pace import play

    plan = _plan(CAN, seconds, attack, peace)
    script = can_frames(seconds, _start(start), seed, plan)
    if interface is not None:
        import can as python_can

        bus = open_bus(interface, channel)
        try:
            said = play(
                script,
                lambda frame: bus.send(
                    python_can.Message(arbitration_id=frame.can_id, is_extended_id=False, data=frame.data)
                ),
                TruthFile(truth),
            )
        finally:
            bus.shutdown()
    else:
        with _lines(to) as (write, flush):
            said = play(script, lambda frame: write(frame.candump(channel)), TruthFile(truth), start is None, flush)
    _count("lab can", said)


@app.command()
def vehicles(
    cars: Annotated[int, typer.Option(min=1, max=1000, help="On the road at once.")] = 30,
    udp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Send datagrams instead of lines.")] = None,
    seconds: Seconds = 120.0,
    seed: Seed = 7,
    truth: Truth = None,
    attack: Attacks = None,
    peace: Peace = False,
    to: To = "-",
    start: Start = None,
) -> None:
    """Cars of a SUMO simulation that send awareness messages, as USDOT ODE JSON.

    Example: gridwatch lab vehicles --udp 127.0.0.1:46800
    """
    import socket

    from ingest.lab.attacks import VEHICLES, TruthFile
    from ingest.lab.pace import play
    from ingest.lab.traffic import traffic
    from ingest.lab.vehicles import vehicle_lines

    plan = _plan(VEHICLES, seconds, attack, peace)
    with traffic(cars, seed) as road:
        script = vehicle_lines(road, seconds, _start(start), seed, plan)
        if udp is not None:
            address = host_and_port(udp)
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                said = play(script, _datagrams(sender, address), TruthFile(truth))
        else:
            with _lines(to) as (write, flush):
                said = play(script, write, TruthFile(truth), start is None, flush)
    _count("lab vehicles", said)


@app.command()
def substation(
    interface: Annotated[str, typer.Option("-i", "--interface", help="For GOOSE frames; needs root.")] = "lo",
    capture: Annotated[
        Path | None, typer.Option(help="Record all traffic here instead: a pcap file, or a FIFO; needs no rights.")
    ] = None,
    modbus_port: Annotated[int, typer.Option(min=1, max=65535)] = 5020,
    iec104_port: Annotated[int, typer.Option(min=1, max=65535)] = 2404,
    seconds: Seconds = 120.0,
    seed: Seed = 7,
    truth: Truth = None,
    attack: Attacks = None,
    peace: Peace = False,
) -> None:
    """A substation: Modbus devices and an IEC 60870-5-104 outstation on loopback, and GOOSE publishers.

    Example: gridwatch lab substation --capture lab.pcap --seconds 60
    """
    import asyncio
    import logging

    from ingest.lab.attacks import SUBSTATION, TruthFile
    from ingest.lab.goose_frames import Wire
    from ingest.lab.pace import now_us
    from ingest.lab.recorder import PcapStream
    from ingest.lab.site_facts import Addresses
    from ingest.lab.substation import Scene, substation

    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # attackers send what pymodbus complains of
    plan = _plan(SUBSTATION, seconds, attack, peace)
    addresses = Addresses(modbus_port, iec104_port)

    def run(send: Callable[[bytes], None], pcap: PcapStream | None) -> None:
        scene = Scene(addresses, seconds, seed, plan, TruthFile(truth), send, pcap, now_us)
        asyncio.run(substation(scene, lambda: say("the substation is up")))

    if capture is None:
        wire = Wire(interface)
        try:
            run(wire.write, None)
        finally:
            wire.close()
    else:
        with _output(str(capture)) as out:
            pcap = PcapStream(out, now_us)
            run(pcap.write, pcap)


def _datagrams(sender: "socket.socket", address: tuple[str, int]) -> Callable[[str], None]:
    """Sends each line; the socket is not connected: a receiver that is not there yet is no error of the sender."""

    def send(line: str) -> None:
        sender.sendto(line.encode(), address)

    return send


def _plan(part: str, seconds: float, asked: list[str] | None, peace: bool) -> "list[Injection]":
    from ingest.lab.attacks import default_plan, parse_plan

    if peace and asked:
        raise UsageFault("--peace and --attack contradict each other", "lab", "give one of them")
    return [] if peace else parse_plan(default_plan(seconds) if asked is None else asked, part)


def _start(text: str | None) -> int:
    from ingest.lab.pace import now_us

    if text is None:
        return now_us()
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError("it has no zone")
    except ValueError as wrong:
        raise UsageFault(f"no time: {wrong}", "--start", "e.g. 2026-03-02T12:00:00Z") from wrong
    return round(time.timestamp() * 1e6)


def _cache(context: typer.Context) -> Path:
    return settings_of(context).cache_dir / "lab"


def _count(stage: str, lines: int) -> None:
    say(f"{stage}: sent {lines}")


@contextmanager
def _output(to: str) -> Iterator[BinaryIO]:
    if to == "-":
        yield cast(BinaryIO, sys.stdout.buffer)
        return
    try:
        # A FIFO opens when its reader does.
        out = Path(to).open("wb")  # noqa: SIM115 -- closed below; only a fault of opening is told here
    except OSError as wrong:
        raise RunFault(f"cannot write: {wrong.strerror}", to, "name a file in an existing directory") from wrong
    with out:
        yield out


@contextmanager
def _lines(to: str) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Writes lines, many at a time."""
    with _output(to) as out:
        waiting: list[str] = []

        def flush() -> None:
            if waiting:
                data = ("\n".join(waiting) + "\n").encode()
                waiting.clear()
                try:
                    out.write(data)
                    out.flush()
                except OSError as wrong:
                    raise RunFault(f"cannot write: {wrong.strerror}", to, "keep the reader running") from wrong

        def write(line: str) -> None:
            waiting.append(line)
            if len(waiting) >= 500:
                flush()

        yield write, flush
