"""A stub of Grafana's interface for programs. It is no Grafana.

It keeps what it is given as Grafana's documentation says, counts versions, adds what Grafana adds by itself, and knows two tokens.
It proves what we send, what we make of answers and refusals, and that a push repeats itself; not what a Grafana does with a dashboard.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "stub-token"
#: Of an account that may only look.
VIEWER = "stub-viewer"

Answer = tuple[int, Any]


class Stub(ThreadingHTTPServer):
    """The stub, below the path /ops."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folders: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.intervals: dict[str, int] = {}
        self.points: list[dict[str, Any]] = []
        self.templates: dict[str, dict[str, Any]] = {}
        self.annotations: list[dict[str, Any]] = []
        self.tree: dict[str, Any] = {
            "receiver": "grafana-default-email",
            "routes": [{"receiver": "others", "object_matchers": [["team", "=", "network"]]}],
        }
        #: Whether it gives back another dashboard than it was given.
        self.migrates = False
        #: Every request that would change something.
        self.writes: list[str] = []
        #: Called before each change, with method and path; what it returns is answered instead.
        self.before: Callable[[str, str], Answer | None] = lambda method, path: None
        self.let_in = threading.Event()
        self.let_in.set()
        self._thread = threading.Thread(target=self.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ops"

    def close(self) -> None:
        """Answer no more."""
        self.let_in.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def edit(self, uid: str) -> None:
        """What a person does in the browser: a panel gets another title."""
        kept = self.dashboards[uid]["dashboard"]
        kept["panels"][0]["title"] = "mine"
        kept["version"] += 1

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if method != "GET":
            self.writes.append(f"{method} {path}")
        match path.strip("/").split("/"), method:
            case ["health"], "GET":
                return 200, {"database": "ok", "version": "9.3.0"}
            case ["folders", uid], "GET":
                return _or_absent(self.folders, uid)
            case ["folders"], "POST":
                self.folders[body["uid"]] = {**body, "id": len(self.folders) + 1, "version": 1}
                return 200, self.folders[body["uid"]]
            case ["datasources", "uid", uid], "GET":
                return _or_absent(self.sources, uid)
            case ["datasources"], "POST":
                return self._keep_source(body["uid"], body)
            case ["datasources", "uid", uid], "PUT":
                return self._keep_source(uid, body)
            case ["dashboards", "uid", uid], "GET":
                return _or_absent(self.dashboards, uid)
            case ["dashboards", "db"], "POST":
                return self._keep_dashboard(body)
            case ["annotations"], "GET":
                wanted = query.get("tags", [])
                return 200, [one for one in self.annotations if set(wanted) <= set(one["tags"])]
            case ["annotations"], "POST":
                if not body.get("text"):
                    return 400, {"message": "bad request"}
                self.annotations.append(body)
                return 200, {"message": "Annotation added", "id": len(self.annotations)}
            case ["v1", "provisioning", *rest], _:
                return self._provisioning(method, rest, body)
        return 404, {"message": "Not found"}

    def _keep_source(self, uid: str, body: dict[str, Any]) -> Answer:
        kept = {key: value for key, value in body.items() if key != "secureJsonData"}
        self.sources[uid] = {**kept, "id": 1, "readOnly": False, "secureJsonFields": {"password": True}}
        return 200, {"datasource": self.sources[uid]}

    def _keep_dashboard(self, body: dict[str, Any]) -> Answer:
        given = body["dashboard"]
        old = self.dashboards.get(given["uid"])
        if old is not None and old["meta"].get("provisioned"):
            return 400, {"message": "Cannot save provisioned dashboard"}
        if old is not None and not body["overwrite"] and given.get("version") != old["dashboard"]["version"]:
            return 412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        version = old["dashboard"]["version"] + 1 if old else 1
        kept = {**given, "id": len(self.dashboards) + 1, "version": version, "timepicker": {}}
        if self.migrates:
            kept["schemaVersion"] = 99
        self.dashboards[given["uid"]] = {
            "dashboard": kept,
            "meta": {"folderUid": body["folderUid"], "version": version},
        }
        return 200, {"status": "success", "uid": given["uid"], "version": version}

    def _provisioning(self, method: str, rest: list[str], body: Any) -> Answer:
        match rest, method:
            case ["alert-rules", uid], "GET":
                return _or_absent(self.rules, uid)
            case ["alert-rules"], "POST":
                if body["folderUID"] not in self.folders:
                    return 400, {"message": "folder does not exist"}
                return self._keep_rule(body)
            case ["alert-rules", uid], "PUT":
                return self._keep_rule(body) if uid in self.rules else (404, {"message": "no rule"})
            case ["folder", folder, "rule-groups", group], "GET":
                rules = [r for r in self.rules.values() if (r["folderUID"], r["ruleGroup"]) == (folder, group)]
                if not rules:
                    return 404, {"message": "no group"}
                return 200, {
                    "title": group,
                    "folderUid": folder,
                    "interval": self.intervals.get(group, 60),
                    "rules": rules,
                }
            case ["folder", _, "rule-groups", group], "PUT":
                self.intervals[group] = body["interval"]
                return 200, body
            case ["contact-points"], "GET":
                return 200, self.points
            case ["contact-points"], "POST":
                self.points.append(body)
                return 202, body
            case ["contact-points", uid], "PUT":
                self.points = [body if one["uid"] == uid else one for one in self.points]
                return 202, {"message": "contactpoint updated"}
            case ["policies"], "GET":
                return 200, self.tree
            case ["policies"], "PUT":
                known = {"grafana-default-email", "others", *(one["name"] for one in self.points)}
                if body["routes"][0]["receiver"] not in known:
                    return 400, {"message": "receiver does not exist"}
                self.tree = body
                return 202, {"message": "policies updated"}
            case ["templates", name], "GET":
                return _or_absent(self.templates, name)
            case ["templates", name], "PUT":
                self.templates[name] = {"name": name, "template": body["template"].strip()}
                return 202, self.templates[name]
        return 404, {"message": "Not found"}

    def _keep_rule(self, body: dict[str, Any]) -> Answer:
        kept = {**body, "id": 7, "updated": "2026-03-02T12:00:00Z", "data": [_completed(part) for part in body["data"]]}
        self.rules[body["uid"]] = kept
        return 201, kept


def _completed(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "queryType": "", "model": {**part["model"], "intervalMs": 1000, "maxDataPoints": 43200}}


def _or_absent(among: dict[str, Any], key: str) -> Answer:
    return (200, among[key]) if key in among else (404, {"message": "not found"})


class _Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def _serve(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.let_in.wait(10)
        parts = urlsplit(self.path)
        self._answer(*self._judged(method, parts.path, parse_qs(parts.query), body))

    def _judged(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if not path.startswith("/ops/api/"):
            return 404, {"message": "Not found"}
        path = path.removeprefix("/ops/api")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if path != "/health" and token not in (TOKEN, VIEWER):
            return 401, {"message": "Invalid API key"}
        if method != "GET":
            if token == VIEWER:
                return 403, {"message": "You'll need additional permissions"}
            instead = self.server.before(method, path)
            if instead is not None:
                return instead
        return self.server.answer(method, path, query, body)

    def _answer(self, status: int, content: Any) -> None:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
