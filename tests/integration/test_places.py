"""Where sites are: the command, files that are wrong, and the map that shows it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.grafana.site_map import not_on_the_map, site_map
from jobs.command.root import run
from jobs.observe.store import Store
from jobs.observe.sums import Fix, Sums
from jobs.settings import PREFIX
from tests.conftest import Database
from tests.integration.console import landed, rows
from tests.integration.grafana_sql import Range, expand, interpolate
from tests.integration.landing import alert

CHOICE = {"domain": ["meter", "substation", "vehicle", "network"], "severity": "1", "detector": "'*'"}
GOOD = 'site,latitude,longitude\nsouth,48.1,11.5\n"north, new",-48.2,-11.6\n\n'


@pytest.fixture
def place(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], int]:
    """The command, on a file of this text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", database.dsn)

    def command(text: str) -> int:
        Path("places.csv").write_text(text, encoding="utf-8")
        return run(["database", "places", "places.csv"])

    return command


def known(database: Database) -> list[tuple[Any, ...]]:
    return rows(database.reader_dsn, "SELECT site, latitude, longitude FROM site_place ORDER BY 1")


def test_the_file_is_what_is_known(
    place: Callable[[str], int], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place(GOOD) == 0
    assert known(database) == [("north, new", -48.2, -11.6), ("south", 48.1, 11.5)]
    before = rows(database.reader_dsn, "SELECT changed FROM site_place WHERE site = 'south'")
    assert place("\ufeffsite,latitude,longitude\r\nsouth,48.1,11.5\r\neast,0,180\r\n") == 0
    assert known(database) == [("east", 0.0, 180.0), ("south", 48.1, 11.5)]
    assert place("site,latitude,longitude\nsouth,48.1,11.5\neast,1,180\n") == 0
    assert rows(database.reader_dsn, "SELECT changed FROM site_place WHERE site = 'south'") == before
    said = capsys.readouterr()
    told = [line for line in (said.out + said.err).splitlines() if "places" in line]
    assert [line.split("places: ")[1] for line in told] == [
        "2 new, 0 moved; 0 gone",
        "1 new, 0 moved; 1 gone",
        "0 new, 1 moved; 0 gone",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no places (places.csv)"),
        ("site,latitude,longitude\n", "no places (places.csv)"),
        ("name,lat,lon\na,1,2\n", "columns name,lat,lon (places.csv, line 1)"),
        ("site,latitude,longitude\n\na,1\n", "2 cells instead of 3 (places.csv, line 3)"),
        ("site,latitude,longitude\na,48,5,11\n", "4 cells instead of 3 (places.csv, line 2)"),
        ("site,latitude,longitude\na,north,2\n", "latitude 'north' is no number (places.csv, line 2)"),
        ("site,latitude,longitude\na,1,181\n", "longitude 181 is out of range (places.csv, line 2)"),
        ("site,latitude,longitude\na,nan,1\n", "latitude nan is out of range (places.csv, line 2)"),
        ("site,latitude,longitude\n ,1,1\n", "no name of a site (places.csv, line 2)"),
        ("site,latitude,longitude\na,1,1\na,1,2\n", "site a a second time (places.csv, line 3)"),
        ('site,latitude,longitude\n"a,1,1\n', "places are not CSV"),
    ],
)  # fmt: skip
def test_a_wrong_file_changes_nothing_and_is_told(
    place: Callable[[str], int], database: Database, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    assert place(GOOD) == 0
    capsys.readouterr()
    assert place(text) == 3
    err = capsys.readouterr().err
    assert says in err and "): " in err, "what, where, remedy"
    assert len(known(database)) == 2


def test_files_that_are_no_text_or_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"site,latitude,longitude\n\xff\xfe,1,1\n")
    for name, says in (("binary.csv", "not UTF-8"), ("gone.csv", "cannot be read")):
        assert run(["database", "places", str(tmp_path / name)]) == 3
        err = capsys.readouterr().err
        assert says in err and name in err


def test_only_the_owner_gives_places(
    place: Callable[[str], int], database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for dsn in (database.landing_dsn, database.console_dsn, database.reader_dsn):
        monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", dsn)
        assert place(GOOD) == 4
        assert "owner of the tables" in capsys.readouterr().err
    assert known(database) == []


def asked(database: Database, panel: Any) -> list[dict[str, Any]]:
    """What a panel's query gives."""
    now = datetime.now(UTC)
    over = Range(now.replace(year=now.year - 20, day=1), now.replace(year=now.year + 1, day=1))
    sql = expand(interpolate(panel.build().targets[0].sql, CHOICE), over)
    with psycopg.connect(database.reader_dsn, row_factory=psycopg.rows.dict_row) as reader:
        return reader.execute(sql.encode()).fetchall()


def test_what_the_map_shows(place: Callable[[str], int], database: Database) -> None:
    places = {"quiet": (48.0, 11.0), "busy": (49.0, 12.0)}
    assert place("site,latitude,longitude\n" + "".join(f"{s},{y},{x}\n" for s, (y, x) in places.items())) == 0
    for number, (site, severity) in enumerate((("busy", 3), ("busy", 5), ("rsu", 2), ("nowhere", 4))):
        landed(database.landing_dsn, alert(number, site=site, severity_id=severity, dedup=f"d{number}"))
    sums = Sums()
    for minute, latitude in ((1, 50.0), (2, 51.0)):
        sums.located(60_000_000 * minute, "rsu", "x", Fix(latitude, 13.0, None, None, 1))
    store = Store(database.landing_dsn)
    store.add(sums, "c", {})
    store.close()
    found = {row["site"]: row for row in asked(database, site_map())}
    assert {site: (row["latitude"], row["longitude"]) for site, row in found.items()} == places | {"rsu": (51.0, 13.0)}
    shown = {s: (r["worst open severity"], r["open incidents"], r["alerts"]) for s, r in found.items()}
    assert shown == {"quiet": (0, 0, 0), "busy": (5, 2, 2), "rsu": (2, 1, 1)}
    (row,) = asked(database, not_on_the_map())
    assert (row["site"], row["worst open severity"]) == ("nowhere", 4)


def test_the_worst_sites_are_shown_however_many_are_quiet(place: Callable[[str], int], database: Database) -> None:
    sites = "".join(f"a{n},48,11\n" for n in range(2000))
    assert place(f"site,latitude,longitude\n{sites}z,48,11\n") == 0
    landed(database.landing_dsn, alert(1, site="z", severity_id=5, dedup="d"))
    found = asked(database, site_map())
    assert len(found) == 2000 and found[-1]["site"] == "z", "drawn last, above the others"
