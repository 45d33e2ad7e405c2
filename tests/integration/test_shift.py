"""A shift of an operator in a real browser (Debian's chromium, no screen), on the pages of the console."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra.stack import StackState
from tests.conftest import new_database
from tests.integration.console import Running, alert, landed, rows, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def console(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with new_database(stack) as database:
        calm = [alert(n, dedup=f"key {n % 9}", severity_id=1 + n % 4) for n in range(60)]
        worst = [
            alert(100 + n, dedup="worst", severity_id=5, title="a rogue master writes", entity="10.0.0.5")
            for n in range(4)
        ]
        landed(database.landing_dsn, *calm, *worst)
        with running(database, tmp_path_factory.mktemp("shift")) as own:
            yield own


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Chromium refuses to put root into its sandbox; it sees our own pages alone.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def logged_in(browser: Browser, console: Running, name: str, **screen: int) -> Page:
    size = {"width": screen.get("width", 1280), "height": screen.get("height", 900)}
    page = browser.new_context(viewport=size).new_page()  # type: ignore[arg-type]
    page.goto(console.url)
    page.get_by_label("Token").fill(console.tokens[name])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("header")).to_contain_text(name)
    return page


def test_a_shift(browser: Browser, console: Running) -> None:
    otto = logged_in(browser, console, "otto")
    # The newest critical incident stands first; its evidence is there to read.
    first = otto.locator("#list tbody tr").first
    expect(first).to_contain_text("critical")
    first.get_by_role("link").click()
    expect(otto.locator("h1")).to_have_text("a rogue master writes")
    expect(otto.locator("#evidence")).to_contain_text("10.0.0.66")
    expect(otto.locator("#status")).to_have_text("open")

    olga = logged_in(browser, console, "olga")
    olga.goto(otto.url)
    otto.get_by_role("button", name="Acknowledge").click()
    expect(otto.locator("#status")).to_have_text("acknowledged")
    expect(otto.locator("#assignee")).to_have_text("otto")

    # Who looked at it before that does not overwrite it, and is told.
    olga.get_by_role("button", name="Acknowledge").click()
    expect(olga.locator("#late")).to_contain_text("somebody else was faster")
    expect(olga.locator("#late")).to_contain_text("otto: acknowledge")
    expect(olga.locator("#assignee")).to_have_text("otto")

    olga.get_by_label("Assign to").fill("olga")
    olga.get_by_role("button", name="Assign").click()
    expect(olga.locator("#assignee")).to_have_text("olga")
    olga.get_by_label("Comment").fill("the laptop of the contractor <b>again</b>")
    olga.get_by_role("button", name="Comment").click()
    expect(olga.locator("#work")).to_contain_text("contractor <b>again</b>")
    olga.get_by_label("Verdict").select_option("true_positive")
    olga.locator("form[action$=close]").get_by_label("Why").fill("taken off the network")
    olga.get_by_role("button", name="Close").click()
    expect(olga.locator("#status")).to_have_text("closed")
    expect(olga.locator("#verdict")).to_have_text("true positive")

    olga.get_by_role("link", name="Incidents").click()
    expect(olga.locator("#list")).not_to_contain_text("a rogue master writes")
    olga.get_by_label("Status").select_option("closed")
    olga.get_by_role("button", name="Show").click()
    expect(olga.locator("#list")).to_contain_text("a rogue master writes")


def test_a_viewer_sees_and_may_not(browser: Browser, console: Running) -> None:
    vera = logged_in(browser, console, "vera")
    vera.locator("#list tbody a").first.click()
    expect(vera.locator("#evidence")).to_be_visible()
    expect(vera.get_by_role("button", name="Acknowledge")).to_have_count(0)
    answer = vera.request.post(f"{vera.url}/acknowledge", form={"version": "0"})
    assert answer.status == 403
    # Also with the mark of her own session.
    mark = vera.locator("input[name=mark]").first.get_attribute("value") or ""
    answer = vera.request.post(f"{vera.url}/acknowledge", form={"version": "0", "mark": mark})
    assert answer.status == 403 and "needs the role operator" in answer.text()


def test_a_form_on_another_page_is_refused(browser: Browser, console: Running, tmp_path: Path) -> None:
    otto = logged_in(browser, console, "otto")
    otto.locator("#list tbody a").first.click()
    target = otto.url
    evil = tmp_path / "evil.html"
    evil.write_text(
        f"<form id=f method=post action='{target}/close'><input name=version value=0>"
        "<input name=verdict value=false_positive></form><script>document.getElementById('f').submit()</script>"
    )
    # In the same browser, whose cookie the form would send.
    other = otto.context.new_page()
    other.goto(evil.as_uri())
    expect(other.locator("body")).to_contain_text("forged form")
    otto.reload()
    expect(otto.locator("#status")).to_have_text("open")


def test_the_list_follows_what_happens(browser: Browser, console: Running) -> None:
    otto, vera = logged_in(browser, console, "otto"), logged_in(browser, console, "vera")
    before = vera.locator("#list tbody tr").count()
    otto.locator("#list tbody a").last.click()
    otto.get_by_label("Verdict").select_option("test")
    otto.get_by_role("button", name="Close").click()
    expect(otto.locator("#status")).to_have_text("closed")
    # Nobody reloads this page.
    expect(vera.locator("#list tbody tr")).to_have_count(before - 1, timeout=15_000)


def test_it_works_on_a_phone(browser: Browser, console: Running) -> None:
    page = logged_in(browser, console, "olga", width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#list tbody a").first.click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#status")).to_have_text("acknowledged")


def test_what_was_done_stays(console: Running) -> None:
    dsn = console.settings.postgres.dsn
    assert dsn is not None
    import psycopg

    assert rows(dsn.get_secret_value(), "SELECT count(*) FROM incident_event WHERE action = 'close'")[0][0] >= 1
    for statement in ("UPDATE incident_event SET actor = 'x'", "DELETE FROM incident_event", "DELETE FROM audit"):
        with psycopg.connect(dsn.get_secret_value()) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
