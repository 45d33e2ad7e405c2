"""Where sites are: read from a CSV file, kept in PostgreSQL for the map of dashboards."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import psycopg

from schemas.errors import ConfigFault

COLUMNS: Final = ("site", "latitude", "longitude")
#: Longest name of a site, bytes: what an index of PostgreSQL holds.
MAX_NAME: Final = 2000
#: Greatest amounts of a latitude and of a longitude, degrees.
_BOUNDS: Final = {"latitude": 90.0, "longitude": 180.0}
_FORM: Final = "a line is site,latitude,longitude; degrees with a decimal point"


@dataclass(frozen=True)
class Place:
    """Where a site is, WGS 84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Changes:
    """What writing places changed."""

    new: int
    moved: int
    gone: int


def read_places(path: Path) -> dict[str, Place]:
    """Read places: CSV in UTF-8, the first line `site,latitude,longitude`.

    Returns:
        site -> place.

    Raises:
        ConfigFault: naming the line that is wrong, the file that cannot be read, or one without a place.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            places = _places(file, str(path))
    except OSError as wrong:
        raise ConfigFault(f"places cannot be read: {wrong.strerror}", str(path), "name a readable CSV file") from wrong
    except UnicodeDecodeError as wrong:
        raise ConfigFault("places are not UTF-8", str(path), "save the file as UTF-8") from wrong
    if not places:
        raise ConfigFault("no places", str(path), _FORM)
    return places


def _rows(file: TextIO, path: str) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its cells; without empty ones."""
    lines = csv.reader(file, strict=True)
    try:
        for row in lines:
            if cells := [cell.strip() for cell in row]:
                yield f"{path}, line {lines.line_num}", cells
    except csv.Error as wrong:
        raise ConfigFault(f"places are not CSV: {wrong}", f"{path}, line {lines.line_num}", _FORM) from wrong


def _places(file: TextIO, path: str) -> dict[str, Place]:
    places: dict[str, Place] = {}
    rows = _rows(file, path)
    where, named = next(rows, (path, list(COLUMNS)))
    if tuple(named) != COLUMNS:
        raise ConfigFault(f"columns {','.join(named)}"[:100], where, f"the first line must be {','.join(COLUMNS)}")
    for where, cells in rows:
        if len(cells) != len(COLUMNS):
            raise ConfigFault(f"{len(cells)} cells instead of {len(COLUMNS)}", where, _FORM)
        site, latitude, longitude = cells
        if not site or "\0" in site or len(site.encode()) > MAX_NAME:
            raise ConfigFault("no name of a site", where, "give the name that alerts have in the column site")
        if site in places:
            raise ConfigFault(f"site {site} a second time", where, "leave one of its lines")
        places[site] = Place(_degrees("latitude", latitude, where), _degrees("longitude", longitude, where))
    return places


def _degrees(name: str, text: str, where: str) -> float:
    bound = _BOUNDS[name]
    try:
        value = float(text)
    except ValueError:
        raise ConfigFault(f"{name} {text!r} is no number", where, _FORM) from None
    # Written so that NaN, which no comparison holds for, is refused too.
    if not -bound <= value <= bound:
        raise ConfigFault(f"{name} {text} is out of range", where, f"from {-bound:g} to {bound:g} degrees")
    return value


def write_places(connection: psycopg.Connection, places: Mapping[str, Place]) -> Changes:
    """Make the table what is given, in one transaction: sites that are not named lose their place.

    Args:
        connection: of the owner of the tables.
        places: site -> place, all of them.
    """
    columns = [list(places), [p.latitude for p in places.values()], [p.longitude for p in places.values()]]
    with connection.transaction():
        gone = connection.execute("DELETE FROM site_place WHERE NOT site = ANY (%s)", (columns[0],)).rowcount
        before = connection.execute("SELECT count(*) FROM site_place").fetchone()
        written = connection.execute(
            "INSERT INTO site_place AS had (site, latitude, longitude)"
            " SELECT * FROM unnest(%s::text[], %s::double precision[], %s::double precision[])"
            " ON CONFLICT (site) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude,"
            " changed = excluded.changed"
            " WHERE (had.latitude, had.longitude) IS DISTINCT FROM (excluded.latitude, excluded.longitude)",
            columns,
        ).rowcount
        new = len(places) - (before[0] if before is not None else 0)
    return Changes(new=new, moved=written - new, gone=gone)
