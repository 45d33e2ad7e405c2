"""What `gridwatch grafana push` sends, judged by the rules of Grafana's own client for Go: needs Go, `-m slow`."""

import copy
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.command.root import run
from tests.unit.grafana_stub import TOKEN, Answer, Stub

PROGRAM = Path(__file__).parents[1] / "grafana_bodies"
#: Where Go is without being asked for, too: where its own archive is unpacked.
GO = shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/go/bin"]))
#: Request -> what the program calls its body.
KINDS = {
    "POST /folders": "folder",
    "POST /datasources": "new data source",
    "PUT /datasources/uid/[^/]+": "data source",
    "POST /dashboards/db": "dashboard",
    "PUT /v1/provisioning/templates/[^/]+": "template",
    "POST /v1/provisioning/contact-points": "contact point",
    "PUT /v1/provisioning/contact-points/[^/]+": "contact point",
    "PUT /v1/provisioning/policies": "policies",
    "POST /v1/provisioning/alert-rules": "alert rule",
    "PUT /v1/provisioning/alert-rules/[^/]+": "alert rule",
    "PUT /v1/provisioning/folder/[^/]+/rule-groups/[^/]+": "group of rules",
}
#: A kind, what is changed in its body, and what is told of it.
SPOILT: list[tuple[str, dict[str, Any], str]] = [
    ("folder", {"name": "x"}, 'unknown field "name"'),
    ("new data source", {"secureJSONDatas": {}}, 'unknown field "secureJSONDatas"'),
    ("data source", {"jsonData": {}, "url": 5432}, "url"),
    ("dashboard", {"folder": "gridwatch"}, 'unknown field "folder"'),
    ("template", {"text": ""}, 'unknown field "text"'),
    ("contact point", {"type": "fax"}, "type in body should be one of"),
    ("policies", {"routes": [{"groupBy": ["alertname"]}]}, 'unknown field "groupBy"'),
    ("alert rule", {"noDataState": "Fine"}, "noDataState in body should be one of"),
    ("alert rule", {"dashboardUid": "x"}, 'unknown field "dashboardUid"'),
    ("alert rule", {"condition": None}, "condition in body is required"),
    ("group of rules", {"interval": "10s"}, "interval"),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if GO is None:
        pytest.fail("no Go: apt-get install golang-go (1.21 or newer), or leave -m slow away")
    made = tmp_path_factory.mktemp("go") / "bodies"
    subprocess.run([GO, "build", "-mod=readonly", "-o", made, "."], cwd=PROGRAM, check=True, timeout=240)
    return made


class Recording(Stub):
    """The stub, keeping what it is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if method != "GET":
            request = f"{method} {path}"
            kind = next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, request)), request)
            self.sent.append({"kind": kind, "name": f"{request} {len(self.sent)}", "body": copy.deepcopy(body)})
        return super().answer(method, path, query, body)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The bodies of a push into an empty Grafana, and of one over what others changed."""
    stub = Recording()
    settings = {
        "GRAFANA__URL": stub.url,
        "GRAFANA__TOKEN": TOKEN,
        "GRAFANA__DATASOURCE": "postgresql://grafana:s3cret@db.example.org:5433/gridwatch",
        "GRAFANA__ALERT_WEBHOOK": "https://hooks.example.org/soc",
        "GRAFANA__ALERT_EMAIL": "soc@example.org",
        "CONSOLE__URL": "https://soc.example.org",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("push"))
        for name, value in settings.items():
            patch.setenv(f"GRIDWATCH_{name}", value)
        assert run(["grafana", "push"]) == 0
        for uid in list(stub.dashboards):
            stub.edit(uid)
        for rule in stub.rules.values():
            rule["for"] = "10m"
        for point in stub.points:
            point["settings"]["title"] = "mine"
        stub.sources["gridwatch-postgres"]["url"] = "elsewhere:5432"
        stub.templates["gridwatch"]["template"] = "mine"
        stub.intervals = dict.fromkeys(stub.intervals, 300)
        assert run(["grafana", "push", "--force"]) == 0
    stub.close()
    return stub.sent


def judged(program: Path, bodies: list[dict[str, Any]]) -> list[str]:
    done = subprocess.run([program], input=json.dumps(bodies), capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_grafana_takes_every_body(program: Path, sent: list[dict[str, Any]]) -> None:
    assert {body["kind"] for body in sent} == set(KINDS.values())
    requests = [body["name"].rpartition(" ")[0] for body in sent]
    assert [p for p in KINDS if not any(re.fullmatch(p, request) for request in requests)] == []
    assert judged(program, sent) == []


@pytest.mark.parametrize("kind, change, says", SPOILT, ids=lambda value: str(value)[:40])
def test_a_spoilt_body_is_refused(
    program: Path, sent: list[dict[str, Any]], kind: str, change: dict[str, Any], says: str
) -> None:
    one = next(body for body in sent if body["kind"] == kind)
    (told,) = judged(program, [{**one, "body": {**one["body"], **change}}])
    assert told.startswith(one["name"]) and says in told
