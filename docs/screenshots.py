"""The pictures of the console: `python -m docs.screenshots` takes them anew, on a stack of its own, in a browser without a screen.

What they show are the alerts of the detectors' own examples, at times that are always the same.
"""

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import psycopg
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from detectors.catalog import DETECTORS
from detectors.site import parse_site
from infra.java import ensure_java
from infra.stack import temporary_stack
from jobs.console import render
from jobs.report.figures import figures
from jobs.report.period import period
from jobs.report.render import of_period
from jobs.settings import default_cache
from tests.conftest import Database, new_database
from tests.engine import examples
from tests.engine.test_detectors import run as run_engine
from tests.integration.console import landed, running

FOLDER: Final = Path(__file__).parent / "screenshots"
#: The day of the alerts, and the moment at which the pictures are taken.
DAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
NOW: Final = datetime(2026, 3, 3, 0, 5, tzinfo=UTC)
#: Bytes of a picture at most.
MOST: Final = 300_000
#: The incident that is shown whole: the largest of this detector.
SHOWN: Final = "goose_forged"


def alerts() -> Iterator[dict[str, Any]]:
    """The alerts of all examples, each detector's at a time of its own on the day."""
    chance = random.Random(5)
    for detector in DETECTORS:
        examples.START = DAY + timedelta(seconds=chance.randrange(3600, 20 * 3600))
        for example in detector.examples:
            site = parse_site(dict(example.site), "example")
            for frame in run_engine(detector, site, examples.records_of(detector, example), []):
                for row in frame.to_dicts():
                    # What an example leaves out is filled with x.
                    site_name = f"{row['domain']}-1" if row["site"] == "x" else row["site"]
                    yield {**row, "site": site_name, "detected": row["time"] + timedelta(milliseconds=400)}


def fill(database: Database) -> str:
    """Land the alerts, let people work on some incidents, and set all times; gives the incident that is shown."""
    found = sorted(alerts(), key=lambda a: (a["detected"], a["alert_id"]))
    landed(database.landing_dsn, *[a for a in found if DAY <= a["time"] < NOW])
    with psycopg.connect(database.dsn) as owner:
        owner.execute("UPDATE incident SET opened = last_time, updated = last_time, since = last_time")
        names = [
            (str(name), opened)
            for name, opened in owner.execute("SELECT incident_id, opened FROM incident ORDER BY incident_id")
        ]
        (shown,) = owner.execute(
            "SELECT incident_id FROM incident WHERE detector = %s ORDER BY alerts DESC, incident_id LIMIT 1", (SHOWN,)
        ).fetchone() or ("",)
        verdicts = ("true_positive", "false_positive", "benign", "test")
        for number, (name, opened) in enumerate(names):
            taken = opened + timedelta(minutes=4 + number % 17)
            if name == shown or number % 3 == 0:
                step(owner, name, 1, taken, "acknowledge", "acknowledged")
            if name == shown:
                text = "Bay 4 was called: nobody of theirs. The port is being shut."
                step(owner, name, 2, taken + timedelta(minutes=2), "comment", "acknowledged", comment=text)
            elif number % 6 == 0:
                verdict = verdicts[number // 6 % 4]
                step(owner, name, 2, taken + timedelta(minutes=21), "close", "closed", verdict=verdict)
    return str(shown)


def step(
    owner: psycopg.Connection[Any], name: str, version: int, at: datetime, action: str, status: str, **more: str
) -> None:
    """One step of a life, at a time of our own: `apply` has the clock's."""
    values = {"name": name, "version": version, "at": at, "action": action, "status": status, "who": "anna"}
    values |= {"verdict": None, "comment": None, **more}
    owner.execute(
        "INSERT INTO incident_event (incident_id, version, at, actor, action, status, assignee, verdict, comment)"
        " VALUES (%(name)s, %(version)s, %(at)s, %(who)s, %(action)s, %(status)s, %(who)s, %(verdict)s, %(comment)s)",
        values,
    )
    owner.execute(
        "UPDATE incident SET version = %(version)s, status = %(status)s, assignee = %(who)s, verdict = %(verdict)s,"
        " updated = %(at)s, acknowledged = CASE WHEN %(action)s = 'acknowledge' THEN %(at)s ELSE acknowledged END,"
        " closed = CASE WHEN %(status)s = 'closed' THEN %(at)s::timestamptz END WHERE incident_id = %(name)s",
        values,
    )


def shoot(page: Page, name: str, height: int) -> None:
    """Take the upper part of a page and write it small."""
    width = page.viewport_size["width"] if page.viewport_size else 1280
    picture = page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height}, full_page=True)
    drawn = Image.open(BytesIO(picture)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    FOLDER.mkdir(exist_ok=True)
    drawn.save(FOLDER / name, optimize=True)
    size = (FOLDER / name).stat().st_size
    if size > MOST:
        raise SystemExit(f"{name} has {size} bytes")
    print(f"{name}: {size} bytes", file=sys.stderr)


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no chromium: apt-get install chromium")
    render._ENVIRONMENT.filters["ago"] = partial(render.ago, now=NOW)
    ensure_java(os.environ)
    with (
        temporary_stack(default_cache(), os.environ) as stack,
        new_database(stack) as database,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        shown = fill(database)
        with psycopg.connect(database.console_dsn, autocommit=True, options="-c timezone=UTC") as connection:
            found = figures(connection, period("24h", (DAY + timedelta(days=1)).isoformat(), NOW))
        report = Path(folder) / "report.html"
        report.write_text(of_period(replace(found, now=NOW)), encoding="utf-8")
        # Chromium refuses to put root into its sandbox; it sees our own pages alone.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with running(database, Path(folder)) as console:
            for width, height, names in (
                (1280, 900, {"incidents.png": "/incidents", "incident.png": f"/incidents/{shown}"}),
                (390, 844, {"incident-phone.png": f"/incidents/{shown}"}),
            ):
                page = browser.new_context(viewport={"width": width, "height": height}).new_page()
                page.goto(console.url)
                page.get_by_label("Token").fill(console.tokens["otto"])
                page.get_by_role("button", name="Log in").click()
                for name, path in names.items():
                    page.goto(f"{console.url}{path}")
                    shoot(page, name, height)
        page = browser.new_context(viewport={"width": 1000, "height": 900}).new_page()
        page.goto(report.as_uri())
        shoot(page, "report.png", 1250)
        browser.close()


if __name__ == "__main__":
    main()
