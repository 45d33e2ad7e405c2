"""What Gridwatch keeps in a Grafana, each thing with how it is read there and written: for `infra.grafana.push`."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from grafana_client.client import GrafanaClientError

from infra.grafana import alert_rules, contact_points
from infra.grafana.alert_rules import FOLDER, FOLDER_UID, GROUPS, MARK, Rule
from infra.grafana.postgres_query import SOURCE
from infra.grafana.prometheus_query import METRICS

#: The folder of the dashboards, as provisioning makes it.
DASHBOARDS: Final = ("gridwatch", "Gridwatch")
_FILES: Final = "it is provisioned from files"

Content = dict[str, Any]


@dataclass(frozen=True)
class DataSource:
    """How Grafana reaches PostgreSQL.

    Args:
        address: host:port, as Grafana sees it.
        database: its name.
        user: the role that may only read.
        password: of it.
        sslmode: disable, require, verify-ca or verify-full.
    """

    address: str
    database: str
    user: str
    password: str
    sslmode: str

    def __repr__(self) -> str:
        return f"DataSource({self.user}@{self.address}/{self.database})"


@dataclass(frozen=True)
class Wanted:
    """What is to be in Grafana.

    Args:
        dashboards: file name -> dashboard.
        console: address of the console.
        source: None to use the data source that is there.
        prometheus: root of Prometheus as Grafana reaches it; "" for none, and no rules that ask it.
        webhook: that alerts are sent to; "" for none.
        email: addresses, separated by semicolons; "" for none.
    """

    dashboards: Mapping[str, Content]
    console: str
    source: DataSource | None = None
    prometheus: str = ""
    webhook: str = ""
    email: str = ""


@dataclass(frozen=True)
class Found:
    """What there is.

    Args:
        content: as far as people may change it: without what Grafana counts by itself.
        whole: all that Grafana says of it.
        locked: why we must leave it alone; "" where we need not.
    """

    content: Content
    whole: Any
    locked: str = ""


@dataclass(frozen=True)
class Resource:
    """One thing.

    Args:
        name: kind and identity: unique, for people.
        content: what it is to be.
        read: what there is; None where there is nothing.
        write: make it so; is given what there is.
    """

    name: str
    content: Content
    read: Callable[[], Found | None]
    write: Callable[[Found | None], None]


def resources(api: Any, wanted: Wanted) -> Iterator[Resource]:
    """Everything, in the order in which it must come to be."""
    yield _folder(api, *DASHBOARDS)
    yield _folder(api, FOLDER_UID, FOLDER)
    if wanted.source is not None:
        yield _postgres(api, wanted.source)
    if wanted.prometheus:
        yield _prometheus(api, wanted.prometheus)
    for board in wanted.dashboards.values():
        yield _dashboard(api, with_console(board, wanted.console))
    ways = contact_points.receivers(wanted.webhook, wanted.email)
    if ways:
        yield _template(api)
        for way in ways:
            yield _contact_point(api, way)
        yield _policy(api)
    for group in GROUPS:
        for rule in group.rules:
            if rule.source is METRICS and not wanted.prometheus:
                continue
            yield _rule(api, group.name, rule, wanted.console)
        yield _interval(api, group.name, group.interval_s)


def with_console(board: Content, console: str) -> Content:
    """A dashboard whose links lead to this console."""
    made: Content = json.loads(json.dumps(board))
    for variable in made["templating"]["list"]:
        if variable["name"] == "console":
            variable["query"] = console
            variable["current"] = {"selected": True, "text": console, "value": console}
    return made


def absent_is_none(read: Callable[[], Any]) -> Any:
    """What a request gives; None where Grafana says that there is no such thing."""
    try:
        return read()
    except GrafanaClientError as wrong:
        if wrong.status_code == 404:
            return None
        raise


def _folder(api: Any, uid: str, title: str) -> Resource:
    def read() -> Found | None:
        found = absent_is_none(lambda: api.folder.get_folder(uid))
        # Whoever gave it another title may keep that.
        return None if found is None else Found({"uid": found["uid"]}, found)

    def write(_: Found | None) -> None:
        api.folder.create_folder(title, uid)

    return Resource(f"folder {uid}", {"uid": uid}, read, write)


def _postgres(api: Any, source: DataSource) -> Resource:
    content: Content = {
        "name": "Gridwatch",
        "uid": SOURCE.uid,
        "type": SOURCE.type_val,
        "access": "proxy",
        "url": source.address,
        "user": source.user,
        "jsonData": {
            "database": source.database,
            "sslmode": source.sslmode,
            "postgresVersion": 1500,
            "maxOpenConns": 10,
            "timescaledb": False,
        },
    }
    # The database a second time, for versions that read it there.
    return _source(api, content, {"database": source.database, "secureJsonData": {"password": source.password}})


def _prometheus(api: Any, url: str) -> Resource:
    content: Content = {
        "name": "Gridwatch Prometheus",
        "uid": METRICS.uid,
        "type": METRICS.type_val,
        "access": "proxy",
        "url": url,
        "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
    }
    return _source(api, content, {})


def _source(api: Any, content: Content, unseen: Content) -> Resource:
    """A data source, with what is written to it but cannot be read again."""
    uid = str(content["uid"])

    def read() -> Found | None:
        found = absent_is_none(lambda: api.datasource.get_datasource_by_uid(uid))
        if found is None:
            return None
        own = {key: found.get(key) for key in content}
        if own["type"] == "grafana-postgresql-datasource":
            own["type"] = SOURCE.type_val  # the same, by its newer name
        return Found(own, found, _FILES if found.get("readOnly") else "")

    def write(found: Found | None) -> None:
        body = {**content, **unseen}
        if found is None:
            api.datasource.create_datasource(body)
        else:
            merged = {**(found.content["jsonData"] or {}), **content["jsonData"]}
            api.datasource.update_datasource_by_uid(uid, {**body, "jsonData": merged})

    return Resource(f"data source {uid}", content, read, write)


def _dashboard(api: Any, board: Content) -> Resource:
    uid = board["uid"]

    def read() -> Found | None:
        found = absent_is_none(lambda: api.dashboard.get_dashboard(uid))
        if found is None:
            return None
        own = {key: value for key, value in found["dashboard"].items() if key not in ("id", "version")}
        return Found(own, found, _FILES if found["meta"].get("provisioned") else "")

    def write(found: Found | None) -> None:
        # The version that was looked at: where somebody saved another meanwhile, Grafana refuses.
        version = (
            {"version": found.whole["dashboard"]["version"], "id": found.whole["dashboard"]["id"]} if found else {}
        )
        folder = found.whole["meta"].get("folderUid") if found else DASHBOARDS[0]
        api.dashboard.update_dashboard(
            {
                "dashboard": {**board, "id": None, **version},
                "folderUid": folder or "",
                "message": "gridwatch grafana push",
                "overwrite": False,
            }
        )

    return Resource(f"dashboard {uid}", board, read, write)


def _template(api: Any) -> Resource:
    name = contact_points.TEMPLATE
    content = {"template": contact_points.TEXT}

    def read() -> Found | None:
        found = absent_is_none(lambda: api.alertingprovisioning.get_template(name))
        # Grafana trims the text.
        return None if found is None else Found({"template": found["template"].strip() + "\n"}, found, _locked(found))

    def write(found: Found | None) -> None:
        # Newer versions want the version that was looked at.
        version = {"version": found.whole["version"]} if found and found.whole.get("version") else {}
        api.alertingprovisioning.create_or_update_template(name, {**content, **version}, _free(found))

    return Resource(f"message template {name}", content, read, write)


def _contact_point(api: Any, way: Content) -> Resource:
    uid = way["uid"]
    content = {**way, "name": contact_points.NAME}

    def read() -> Found | None:
        every = api.alertingprovisioning.get_contactpoints() or []
        found = next((one for one in every if one["uid"] == uid), None)
        return None if found is None else Found(_without(found, "provenance"), found, _locked(found))

    def write(found: Found | None) -> None:
        if found is None:
            api.alertingprovisioning.create_contactpoint(content, True)
        else:
            api.alertingprovisioning.update_contactpoint(uid, content, _free(found))

    return Resource(f"contact point {uid}", content, read, write)


def _policy(api: Any) -> Resource:
    """Our branch of the policies; what else grows there stays as it is."""
    content = contact_points.route()
    ((label, value),) = MARK.items()

    def ours(branch: Content) -> bool:
        return [label, "=", value] in branch.get("object_matchers", [])

    def read() -> Found | None:
        tree = api.alertingprovisioning.get_notification_policy_tree()
        branch = next((one for one in tree.get("routes") or [] if ours(one)), None)
        if branch is None and not _locked(tree):
            return None  # `write` reads the tree again
        return Found(branch or {}, tree, _locked(tree))

    def write(found: Found | None) -> None:
        tree = found.whole if found else api.alertingprovisioning.get_notification_policy_tree()
        # First, so that no other branch takes our alerts.
        others = [one for one in tree.get("routes") or [] if not ours(one)]
        body = {**_without(tree, "provenance"), "routes": [content, *others]}
        api.alertingprovisioning.set_notification_policy_tree(body, not tree.get("provenance"))

    return Resource(f"notification policy {label}={value}", content, read, write)


def _rule(api: Any, group: str, rule: Rule, console: str) -> Resource:
    body = alert_rules.body(rule, console)
    # What the dashboard is, the annotations say; paused or not is for people to decide.
    content = _without(body, "dashboardUid", "panelId", "isPaused")

    def read() -> Found | None:
        found = absent_is_none(lambda: api.alertingprovisioning.get_alertrule(rule.uid))
        if found is None:
            return None
        own = _without(found, "id", "updated", "provenance", "isPaused", "folderUID", "ruleGroup", "orgID")
        return Found(own, found, _locked(found))

    def write(found: Found | None) -> None:
        place = {"orgID": 1, "folderUID": FOLDER_UID, "ruleGroup": group, "isPaused": False}
        if found is None:
            api.alertingprovisioning.create_alertrule({**content, **place}, True)
        else:
            # Where people moved it, and whether they paused it, stays.
            kept = {key: found.whole[key] for key in place if key in found.whole}
            api.alertingprovisioning.update_alertrule(rule.uid, {**content, **place, **kept}, _free(found))

    return Resource(f"alert rule {rule.uid}", content, read, write)


def _interval(api: Any, group: str, interval_s: int) -> Resource:
    content = {"interval": interval_s}

    def read() -> Found | None:
        found = absent_is_none(lambda: api.alertingprovisioning.get_rule_group(FOLDER_UID, group))
        return None if found is None else Found({"interval": found["interval"]}, found)

    def write(found: Found | None) -> None:
        # The rules that make the group are there by now.
        whole = found.whole if found else api.alertingprovisioning.get_rule_group(FOLDER_UID, group)
        if whole["interval"] != interval_s:
            provided = any(one.get("provenance") for one in whole["rules"])
            api.alertingprovisioning.update_rule_group(FOLDER_UID, group, {**whole, **content}, not provided)

    return Resource(f"rule group {group}", content, read, write)


def _without(content: Mapping[str, Any], *keys: str) -> Content:
    return {key: value for key, value in content.items() if key not in keys}


def _locked(found: Mapping[str, Any]) -> str:
    return _FILES if found.get("provenance") == "file" else ""


def _free(found: Found | None) -> bool:
    """Whether people may change it in Grafana afterwards, too: as it was."""
    return found is None or not found.whole.get("provenance")
