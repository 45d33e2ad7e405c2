"""The console on a real PostgreSQL: who may do what, forged requests, two people at once, and what programs get."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import stix2
from pydantic import SecretStr

from infra.stack import StackState
from jobs.console import users
from jobs.console.serve import serve
from jobs.settings import ConsoleSettings, PostgresSettings, Settings
from schemas.errors import ConfigFault
from tests.conftest import Database, new_database
from tests.integration.console import Running, alert, landed, rows, running

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def filled(stack: StackState) -> Iterator[Database]:
    with new_database(stack) as own:
        made = [alert(n, dedup=f"key {n // 3}", severity_id=5, title=f"incident {n // 3}") for n in range(90)]
        landed(own.landing_dsn, *made, alert(900, dedup="hostile", entity=HOSTILE, title=HOSTILE, severity_id=1))
        yield own


@pytest.fixture(scope="module")
def console(filled: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(
        filled, tmp_path_factory.mktemp("console"), trusted_proxies=["127.0.0.0/8"], groups={"soc": "operator"}
    ) as own:
        yield own


def program(console: Running, name: str | None) -> httpx.Client:
    headers = {"Authorization": f"Bearer {console.tokens[name]}"} if name else {}
    return httpx.Client(base_url=console.url, headers=headers, timeout=20)


def first(client: httpx.Client, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/incidents", params=wanted).json()["incidents"][0]
    return found


def test_nobody_and_a_viewer_may_not(console: Running, filled: Database) -> None:
    with program(console, None) as nobody, program(console, "vera") as vera:
        assert nobody.get("/api/incidents").status_code == 401
        assert nobody.get("/incidents").headers["location"] == "/login"
        assert nobody.get("/health").json()["status"] == "ok"
        one = first(vera)
        step = {"action": "acknowledge", "version": one["version"]}
        answer = vera.post(f"/api/incidents/{one['incident_id']}/steps", json=step)
        assert answer.status_code == 403 and "needs the role operator" in answer.json()["what"]
        assert vera.get("/audit").status_code == 403
        assert vera.get("/api/incidents/none").status_code == 404
        assert vera.get("/api/incidents", params={"severity": 9}).status_code == 422
    assert rows(filled.dsn, "SELECT count(*) FROM incident WHERE version > 0") == [(0,)]


def test_two_at_once_do_not_overwrite_each_other(console: Running) -> None:
    with program(console, "otto") as otto, program(console, "olga") as olga:
        one = first(otto, text="incident 7")
        where = f"/api/incidents/{one['incident_id']}/steps"
        assert otto.post(where, json={"action": "acknowledge", "version": 0}).json()["assignee"] == "otto"
        late = olga.post(where, json={"action": "close", "version": 0, "verdict": "benign"})
        assert late.status_code == 409 and "otto: acknowledge" in late.json()["what"]
        assert [e["actor"] for e in late.json()["events"]] == ["otto"]
        seen = olga.get(f"/api/incidents/{one['incident_id']}").json()["incident"]
        closed = olga.post(where, json={"action": "close", "version": seen["version"], "verdict": "benign"})
        assert closed.json()["status"] == "closed"
        again = otto.post(where, json={"action": "assign", "version": 2, "assignee": "olga"})
        assert again.status_code == 422 and "reopen it first" in again.json()["remedy"]


def test_forged_requests_are_refused(console: Running, filled: Database) -> None:
    with httpx.Client(base_url=console.url, timeout=20) as browser:
        browser.get("/login")
        assert browser.post("/login", data={"token": console.tokens["otto"]}).status_code == 403
        mark = browser.get("/login").text.split('name="mark" value="')[1].split('"')[0]
        assert browser.post("/login", data={"token": "guessed", "mark": mark}).status_code == 401
        logged_in = browser.post("/login", data={"token": console.tokens["otto"], "mark": mark})
        assert logged_in.status_code == 303
        with program(console, "otto") as otto:
            one = first(otto, text="incident 9")
        where = f"/incidents/{one['incident_id']}/acknowledge"
        # The mark of the session before the login is none of this one.
        for forged in ({}, {"mark": mark}, {"mark": "0" * 64}):
            answer = browser.post(where, data={"version": "0", **forged})
            assert answer.status_code == 403 and "forged" in answer.text
        step = {"action": "acknowledge", "version": 0}
        assert browser.post(f"/api/incidents/{one['incident_id']}/steps", json=step).status_code == 403
        right = browser.get(f"/incidents/{one['incident_id']}").text.split('name="mark" value="')[1].split('"')[0]
        assert browser.post(where, data={"version": "0", "mark": right}).status_code == 303
        cookie = browser.cookies["gridwatch_session"]
    body, signature = cookie.split(".")
    with httpx.Client(base_url=console.url, cookies={"gridwatch_session": f"{body}x.{signature}"}) as thief:
        assert thief.get("/incidents").headers["location"] == "/login"
    with program(console, "ada") as ada:
        log = ada.get("/audit").text
    assert "refused: forged or too old" in log and "refused: unknown token" in log
    assert rows(filled.dsn, f"SELECT version FROM incident WHERE incident_id = '{one['incident_id']}'") == [(1,)]


def test_a_new_token_ends_what_the_old_one_began(filled: Database, tmp_path: Path) -> None:
    with running(filled, tmp_path) as own, httpx.Client(base_url=own.url, timeout=20) as browser:
        mark = browser.get("/login").text.split('name="mark" value="')[1].split('"')[0]
        assert browser.post("/login", data={"token": own.tokens["olga"], "mark": mark}).status_code == 303
        assert browser.get("/incidents").status_code == 200
        users.add(own.settings.users_file, "olga", users.Role.OPERATOR)
        assert browser.get("/incidents").headers["location"] == "/login"


def test_who_is_nobody_cannot_fill_the_log(filled: Database, tmp_path: Path) -> None:
    before = rows(filled.dsn, "SELECT count(*) FROM audit")
    with running(filled, tmp_path) as own, program(own, None) as nobody:
        assert {nobody.post(f"/incidents/junk{n}/close").status_code for n in range(5)} == {403}
    assert rows(filled.dsn, "SELECT count(*) FROM audit") == before


def test_who_guesses_tokens_has_to_wait(filled: Database, tmp_path: Path) -> None:
    with running(filled, tmp_path) as own, program(own, None) as thief:
        statuses = [
            thief.get("/api/incidents", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(12)
        ]
    assert statuses == [401] * 10 + [429] * 2


def test_a_trusted_proxy_says_who_it_is(console: Running, filled: Database, tmp_path: Path) -> None:
    headers = {"X-Forwarded-User": "petra@example.org", "X-Forwarded-Groups": "staff, soc"}
    with program(console, None) as proxy:
        one = first_of(proxy.get("/api/incidents", headers=headers))
        assert proxy.get("/api/incidents", headers={**headers, "X-Forwarded-Groups": "staff"}).status_code == 401
        page = proxy.get(f"/incidents/{one['incident_id']}", headers=headers)
        mark = page.text.split('name="mark" value="')[1].split('"')[0]
        answer = proxy.post(
            f"/incidents/{one['incident_id']}/comment",
            headers=headers,
            data={"version": str(one["version"]), "comment": "seen", "mark": mark},
        )
        assert answer.status_code == 303
    with running(filled, tmp_path) as own, program(own, None) as untrusted:
        assert untrusted.get("/api/incidents", headers=headers).status_code == 401


def first_of(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["incidents"][0]
    return found


def test_names_from_the_wire_do_no_harm(console: Running) -> None:
    with program(console, "vera") as vera:
        one = first(vera, text="script")
        page = vera.get(f"/incidents/{one['incident_id']}")
        listed = vera.get("/incidents", params={"text": "script"})
        for text in (page.text, listed.text):
            assert HOSTILE not in text and "&lt;script&gt;" in text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY" and page.headers["cache-control"] == "no-store"
        cef = vera.get(f"/api/incidents/{one['incident_id']}/export", params={"format": "cef"}).text
        assert cef.startswith("CEF:0|Gridwatch|Gridwatch|") and "\n" not in cef
        assert vera.get("/incidents/%00").status_code in (400, 404, 422)
        assert vera.post("/login", content=b"x" * 100_000).status_code == 413


def test_what_programs_get(console: Running) -> None:
    with program(console, "vera") as vera:
        one = first(vera, text="incident 11")
        whole = vera.get(f"/api/incidents/{one['incident_id']}").json()
        assert len(whole["alerts"]) == one["alerts"] == 3 and whole["alerts"][0]["evidence"]
        ocsf = vera.get(f"/api/incidents/{one['incident_id']}/export", params={"format": "ocsf"}).json()
        assert ocsf["type_uid"] == 200_501 and ocsf["severity_id"] == 5 and len(ocsf["finding_info_list"]) == 3
        text = vera.get(f"/api/incidents/{one['incident_id']}/export", params={"format": "stix"}).text
        parsed = stix2.parse(text)
        assert {o["type"] for o in parsed.objects} >= {"incident", "attack-pattern", "infrastructure", "note"}
        assert text == vera.get(f"/api/incidents/{one['incident_id']}/export", params={"format": "stix"}).text
        assert vera.get(f"/api/incidents/{one['incident_id']}/export", params={"format": "pdf"}).status_code == 422
        described = vera.get("/api/openapi.json").json()
    assert "/api/incidents/{incident_id}/steps" in described["paths"]


def test_suppressing_hides_what_comes_and_needs_a_second_for_long(console: Running, filled: Database) -> None:
    with program(console, "otto") as otto, program(console, "olga") as olga:
        one = first(otto, text="incident 13")
        where = f"/api/incidents/{one['incident_id']}/suppress"
        body = {"version": one["version"], "scope": ["entity", "detector"], "reason": "a test", "hours": 48}
        made = otto.post(where, json=body).json()
        assert made["waits"]
        assert otto.post(where, json=body).status_code == 409
        assert otto.post(where, json={**body, "version": 1, "hours": 0}).status_code == 422
        assert otto.post(where, json={**body, "version": 1, "scope": []}).status_code == 422
        # Event times of these alerts are now: what it hides is judged by them.
        now = datetime.now(UTC)
        like = {"entity": one["entity"], "time": now, "detected": now, "severity_id": 5, "dedup": "hidden?"}
        assert hidden(filled, alert(2000, **like)) is None
        name = made["suppression"]["id"]
        page = olga.get("/suppressions")
        assert "hides nothing until reviewed" in page.text
        by_himself = review(console, "otto", name)
        assert by_himself.status_code == 400 and "somebody else" in by_himself.text
        assert review(console, "olga", name).status_code == 303
        assert hidden(filled, alert(2001, **like)) == name
        landed(filled.landing_dsn, alert(2001, **like, suppression=name))
        (listed,) = otto.get("/api/suppressions").json()["suppressions"]
        assert listed["alerts"] == 1 and listed["reviewed_by"] == "olga"


def review(console: Running, name: str, suppression: str) -> httpx.Response:
    with httpx.Client(base_url=console.url, timeout=20) as browser:
        mark = browser.get("/login").text.split('name="mark" value="')[1].split('"')[0]
        browser.post("/login", data={"token": console.tokens[name], "mark": mark})
        mark = browser.get("/suppressions").text.split('name="mark" value="')[1].split('"')[0]
        return browser.post(f"/suppressions/{suppression}/review", data={"mark": mark})


def hidden(database: Database, one: dict[str, Any]) -> str | None:
    """The suppression under which an alert lands now."""
    from jobs.land.store import Store
    from jobs.land.suppressions import hidden_by

    store = Store(database.landing_dsn)
    try:
        return hidden_by(one, store.suppressions())
    finally:
        store.close()


def test_further_alerts_reopen_what_was_closed(console: Running, filled: Database) -> None:
    with program(console, "otto") as otto:
        one = first(otto, text="incident 17")
        where = f"/api/incidents/{one['incident_id']}/steps"
        otto.post(where, json={"action": "close", "version": 0, "verdict": "false_positive", "comment": "a test"})
        landed(filled.landing_dsn, alert(53, alert_id="f" * 32, dedup="key 17", severity_id=5, title="incident 17"))
        whole = otto.get(f"/api/incidents/{one['incident_id']}").json()
    assert whole["incident"]["status"] == "open" and whole["incident"]["alerts"] == 4
    assert [(e["actor"], e["action"]) for e in whole["events"]] == [("otto", "close"), ("gridwatch", "reopen")]


def test_beyond_this_machine_it_needs_tls(database: Database, tmp_path: Path) -> None:
    import threading

    settings = Settings(
        run_dir=tmp_path,
        postgres=PostgresSettings(dsn=SecretStr(database.console_dsn)),
        console=ConsoleSettings(host="0.0.0.0"),
    )
    with pytest.raises(ConfigFault, match="without TLS"):
        serve(settings, threading.Event(), print)


def test_the_users_file_holds_no_token(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    token = users.add(path, "anna", users.Role.ADMIN)
    assert token not in path.read_text() and path.stat().st_mode & 0o077 == 0
    assert users.load(path).of_token(token) == users.Person("anna", users.Role.ADMIN)
    again = users.add(path, "anna", users.Role.VIEWER)
    assert users.load(path).of_token(token) is None and users.load(path).of_token(again) is not None
    path.write_text(json.dumps([{"name": "x", "role": "king", "token_sha256": "0" * 64}]))
    with pytest.raises(ConfigFault, match="entry 1: role"):
        users.load(path)
