"""Opening any file that records can be read from; the readers are imported when their kind of file comes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.recognise import Kind, recognise
from ingest.source import Item, capture_name
from ingest.tap import TapOptions


@dataclass(frozen=True)
class FileOptions:
    """What a file does not say of itself.

    Args:
        vehicle: vehicle that a candump log belongs to; None takes the file's name without its endings.
        can_start: begin of a candump log whose times count from zero, microseconds since 1970.
        receiver: receiver of ODE messages that do not name theirs.
        event_profile: profile of meter event codes of lines that name none.
        tap: ports and executable of the tap.
    """

    vehicle: str | None = None
    can_start: int = 0
    receiver: str | None = None
    event_profile: str | None = None
    tap: TapOptions = field(default_factory=TapOptions)


def open_source(path: Path, site: str, options: FileOptions | None = None) -> Iterator[Item]:
    """The records of a file, whatever kind it is.

    Args:
        path: capture, candump text, ODE JSON, CSV, JSON lines or Parquet; all but Parquet also gzip-compressed.
        site: substation of a capture's records.
        options: what the file does not say of itself.

    Raises:
        UsageFault: its content is none of the kinds.
        RunFault: it cannot be read.
    """
    options = options or FileOptions()
    kind = recognise(path)
    if kind in (Kind.PCAP, Kind.PCAPNG):
        from ingest.tap import read_capture

        return read_capture(path, site, options.tap)
    if kind is Kind.PARQUET:
        from ingest.lake import read_parquet

        return read_parquet(path)
    return _read_text(path, kind, options)


def _read_text(path: Path, kind: Kind, options: FileOptions) -> Iterator[Item]:
    from ingest.lines import open_text

    name = capture_name(path)
    with open_text(path) as stream:
        match kind:
            case Kind.CANDUMP:
                from ingest.can import read_candump

                yield from read_candump(stream, options.vehicle or name.split(".")[0], name, start=options.can_start)
            case Kind.ODE:
                from ingest.v2x import read_ode

                yield from read_ode(stream, name, options.receiver)
            case _:
                from ingest.table import read_table

                yield from read_table(stream, name, options.event_profile)
