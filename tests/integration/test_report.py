"""Reports on a real PostgreSQL: their figures are those of the database, and a page is safe whatever names it holds."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobs.command.root import run
from jobs.report.figures import figures
from jobs.report.period import SLOT, period
from jobs.report.render import of_period
from jobs.settings import PREFIX
from jobs.triage.lifecycle import Action, Change, Verdict, apply
from schemas.errors import UsageFault
from tests.conftest import REPOSITORY, Database
from tests.integration.console import alert, landed, rows

NOW = datetime.now(UTC)
HOSTILE = "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(2)>{{ 7 * 7 }}"


@pytest.fixture
def here(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"{PREFIX}POSTGRES__DSN", database.console_dsn)
    return tmp_path


def filled(database: Database) -> None:
    """Forty alerts of five incidents, two of them acknowledged, one closed; two alerts are suppressed, three records refused."""
    detected = NOW - timedelta(minutes=30)
    landed(
        database.landing_dsn,
        *[alert(n, dedup=f"key {n % 5}", severity_id=1 + n % 5, detected=detected) for n in range(40)],
        *[alert(50 + n, dedup="hidden", detected=detected, suppression="relay-test") for n in range(2)],
    )
    with psycopg.connect(database.console_dsn) as connection:
        names = [r[0] for r in connection.execute("SELECT incident_id FROM incident ORDER BY 1")]
        assert len(names) == 5
        for name in names[:2]:
            apply(connection, name, None, Change(Action.ACKNOWLEDGE, "anna"))
        apply(connection, names[0], None, Change(Action.CLOSE, "anna", verdict=Verdict.BENIGN, comment="a test"))
    with psycopg.connect(database.landing_dsn) as connection:
        connection.execute(
            "INSERT INTO deadletter_rollup VALUES (date_bin('5 min', now(), 'epoch'), 'detect meter', 't', 'empty', 3)"
        )


class Page(HTMLParser):
    """What a browser would see: tags, addresses, and the text of each element that has an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.texts: dict[str, str] = {}
        self._id: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.addresses += [str(given[name]) for name in ("href", "src", "action", "data", "srcset") if name in given]
        self.handlers += [name for name in given if name.startswith("on")]
        self._id = given.get("id")

    def handle_data(self, data: str) -> None:
        if self._id is not None:
            self.texts[self._id] = self.texts.get(self._id, "") + data
            self._id = None


def safe(text: str) -> Page:
    page = Page(text)
    assert not page.tags & {"script", "img", "iframe", "object", "link", "form", "base"}
    assert not page.handlers
    assert all(address.startswith("https://attack.mitre.org/techniques/") for address in page.addresses)
    assert not re.findall(r"url\(|@import", text)
    assert "default-src 'none'" in text
    return page


def test_the_figures_are_those_of_the_database(database: Database, here: Path) -> None:
    filled(database)
    assert run(["report", "day.html"]) == 0
    text = (here / "day.html").read_text(encoding="utf-8")
    said = safe(text).texts
    asked = {
        "alerts": "SELECT count(*) FROM alert WHERE suppression IS NULL",
        "suppressed": "SELECT count(*) FROM alert WHERE suppression IS NOT NULL",
        "opened": "SELECT count(*) FROM incident",
        "closed": "SELECT count(*) FROM incident WHERE status = 'closed'",
        "reopened": "SELECT count(*) FROM incident_event WHERE action = 'reopen'",
        "waiting": "SELECT count(*) FROM incident WHERE status = 'open'",
    }
    found = {name: str(rows(database.dsn, query)[0][0]) for name, query in asked.items()}
    assert {name: said[name] for name in asked} == found
    assert found == {"alerts": "40", "suppressed": "2", "opened": "5", "closed": "1", "reopened": "0", "waiting": "3"}
    assert "relay-test" in text and "benign <b>1</b>" in text and '<td>empty</td><td class="n">3</td>' in text
    for (name,) in rows(database.dsn, "SELECT incident_id FROM incident"):
        assert name in text


def test_figures_by_kind_add_up(database: Database) -> None:
    filled(database)
    with psycopg.connect(database.console_dsn, autocommit=True, options="-c timezone=UTC") as connection:
        f = figures(connection, period("24h", None, datetime.now(UTC)))
        empty = figures(connection, period("2020-01-01", "2020-01-02", NOW))
    assert sum(r["alerts"] for r in f.alerts) == sum(r["alerts"] for r in f.detectors) == 40
    assert sum(r["alerts"] for r in f.techniques) == sum(r["alerts"] for r in f.sites) == 40
    expected = dict(rows(database.dsn, "SELECT domain, count(*) FROM alert WHERE suppression IS NULL GROUP BY 1"))
    assert {d: sum(r["alerts"] for r in f.alerts if r["domain"] == d) for d in expected} == expected
    assert sum(r["incidents"] for r in f.opened) == 5 and f.verdicts == [{"verdict": "benign", "incidents": 1}]
    entity = f.entities[0]
    query = f"SELECT count(*) FROM alert WHERE suppression IS NULL AND entity = '{entity['entity']}' AND site = '{entity['site']}'"
    assert rows(database.dsn, query) == [(entity["alerts"],)]
    assert empty.alerts == [] and empty.incidents["opened"] == 0 and empty.incidents["close"] is None
    assert "Nothing was found." in of_period(empty)


def test_times_run_from_the_last_opening(database: Database) -> None:
    """An incident of three hours ago, closed after an hour, opened again an hour later, acknowledged ten minutes after that."""
    landed(database.landing_dsn, alert(1))
    with psycopg.connect(database.dsn, autocommit=True) as owner:
        owner.execute("UPDATE incident SET opened = now() - interval '3 hours'")
        for version, action, minutes in ((1, "close", 120), (2, "reopen", 60), (3, "acknowledge", 50)):
            owner.execute(
                "INSERT INTO incident_event SELECT incident_id, %s, now() - %s * interval '1 minute', 'anna', %s, 'open'"
                " FROM incident",
                (version, minutes, action),
            )
        found = figures(owner, period("24h", None, datetime.now(UTC))).incidents
    assert found["close"].total_seconds() == pytest.approx(3600, abs=5)
    assert found["acknowledge"].total_seconds() == pytest.approx(600, abs=5)
    assert found["acknowledge_median"].total_seconds() == pytest.approx(600, abs=5)


def test_hostile_names_stay_names(database: Database, here: Path) -> None:
    fields: dict[str, Any] = dict.fromkeys(("title", "observed", "expected", "entity", "site", "source"), HOSTILE)
    landed(
        database.landing_dsn,
        alert(
            1, detected=NOW, alert_id="../x&y=<b>", technique="T0848/../<i>", threat="<u>", detector="<s>",
            evidence=[f'{{"<em>": "{"<img src=x onerror=alert(3)>"}"}}', HOSTILE], runbook=[HOSTILE], **fields,
        ),
    )  # fmt: skip
    with psycopg.connect(database.console_dsn) as connection:
        apply(connection, "../x&y=<b>", None, Change(Action.COMMENT, HOSTILE, comment=HOSTILE))
    assert run(["report", "day.html"]) == 0
    assert run(["report", "--incident", "../x&y=<b>", "incident.html"]) == 0
    for name in ("day.html", "incident.html"):
        text = (here / name).read_text(encoding="utf-8")
        page = safe(text)
        assert not page.tags & {"b>", "em", "i", "u", "s"} and "{{ 7 * 7 }}" in text
        assert "&lt;script&gt;" in text


def test_an_incident_is_told_whole(database: Database, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landed(
        database.landing_dsn, *[alert(n, dedup="one", alert_id="3f2a91" if n == 0 else f"{n:032x}") for n in range(3)]
    )
    with psycopg.connect(database.console_dsn) as connection:
        apply(connection, "3f2a91", None, Change(Action.ACKNOWLEDGE, "anna"))
        change = Change(Action.CLOSE, "ben", verdict=Verdict.TRUE_POSITIVE, comment="taken off the network")
        apply(connection, "3f2a91", None, change)
    # With the words of the documentation.
    (line,) = (
        x
        for x in (REPOSITORY / "docs/console.md").read_text().splitlines()
        if x.startswith("gridwatch report --incident")
    )
    assert run(shlex.split(line)[1:]) == 0
    text = (here / "incident.html").read_text(encoding="utf-8")
    safe(text)
    for part in (
        "true positive", "taken off the network", "anna", "Observed", "function 6", "a master of the site file",
        "10.0.0.66", "Find the host.", "the deciding one", "SG-17", "T0848 Rogue Master",
    ):  # fmt: skip
        assert part in text, part
    assert text.count('class="alert"') == 3
    assert run(["report", "--incident", "nothing", "x.html"]) == 4
    assert "no such incident" in capsys.readouterr().err
    assert run(["report", "--incident", "3f2a91", "--since", "24h", "x.html"]) == 2
    assert run(["report", "--since", "yesterday", "x.html"]) == 2
    assert not (here / "x.html").exists()


@pytest.mark.parametrize("since", ["24h", "90min", "4w", "7d", "2026-03-01", "2026-03-01T08:01:00+02:00"])
def test_a_period_is_whole_slots(since: str) -> None:
    now = datetime(2026, 3, 2, 12, 3, 1, tzinfo=UTC)
    found = period(since, None, now)
    assert found.begins < now <= found.ends < now + SLOT
    assert (found.ends - found.begins) % SLOT == timedelta(0)
    assert period("1h", "2026-03-02T10:00", now).ends == datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize("since", ["", "24", "-1h", "h", "2026-13-01", "999999w", "2027-01-01", "0h"])
def test_what_is_no_period_is_refused(since: str) -> None:
    with pytest.raises(UsageFault, match="--since"):
        period(since, "2026-03-02T10:00", NOW)
