"""What dashboards and rules ask is understood by a real Prometheus that scrapes our metrics; its rules fire when they should."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from threading import Condition
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from infra.grafana.alert_rules import GROUPS
from infra.grafana.generate import dashboards
from infra.grafana.prometheus_query import METRICS
from infra.ports import LOOPBACK, choose
from jobs.detect.metrics import DetectMetrics
from jobs.detect.progress import Progress
from schemas.types import TELEMETRY_DOMAINS, Domain
from tests.conftest import REPOSITORY

COMPOSE = REPOSITORY / "infra/compose"
CONFIG: dict[str, Any] = yaml.safe_load((COMPOSE / "prometheus.yaml").read_text())
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((COMPOSE / "prometheus-rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DOMAINS = (*TELEMETRY_DOMAINS, Domain.CORRELATION)
PANELS = {
    f"{name}: {panel['title']} {target['refId']}": target["expr"]
    for name, board in dashboards().items()
    for panel in board["panels"]
    for target in panel.get("targets", [])
    if "expr" in target
}
RULES = {rule.uid: rule.query for group in GROUPS for rule in group.rules if rule.source is METRICS}
#: Scrapes until the queries are asked: rates need some.
SCRAPES = 12

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="apt-get install prometheus"
)


class Detection:
    """Stands for the queries: with every scrape each of them ends a batch, and more is published than it reads."""

    def __init__(self) -> None:
        self._news, self._scrapes = Condition(), 0
        registry = CollectorRegistry()
        self._metrics = DetectMetrics(registry, self._asked)
        for domain in DOMAINS:
            self._metrics.begin(self._progress(domain, -1), 0.0)
        self.port = choose(19_108)
        self._server, self._thread = start_http_server(self.port, LOOPBACK, registry)

    def _progress(self, domain: Domain, batch: int) -> Progress:
        ledger = {"decoded.any": 90 * batch, "dead.broken body": 10 * batch, "alerts.register_rollback": batch}
        return Progress(domain, batch, ledger, [], 0.2, {0: 100 * batch}, 4096)

    def _asked(self, topics: Collection[str]) -> Mapping[tuple[str, int], int]:
        with self._news:
            self._scrapes += 1
            self._news.notify_all()
            number = self._scrapes
        for domain in DOMAINS:
            self._metrics.ended(self._progress(domain, number))
        return {(topic, 0): 120 * number for topic in topics}

    def scraped(self, times: int) -> None:
        """Wait until it was; a scrape is stored before the next one begins."""
        with self._news:
            assert self._news.wait_for(lambda: self._scrapes > times, 60)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus set up as in the compose file, but that it has detection alone and scrapes it ten times a second."""
    folder, detection, port = tmp_path_factory.mktemp("prometheus"), Detection(), choose(19_090)
    (own,) = (job for job in CONFIG["scrape_configs"] if job["job_name"] == "detect")
    config = {
        "global": {"scrape_interval": "100ms", "evaluation_interval": "1s"},
        "rule_files": [str(COMPOSE / "prometheus-rules.yaml")],
        "scrape_configs": [{**own, "static_configs": [{"targets": [f"{LOOPBACK}:{detection.port}"]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            detection.scraped(SCRAPES)
            yield f"http://{LOOPBACK}:{port}"
        finally:
            server.terminate()
            server.wait(30)
            detection.close()
    assert "level=error" not in (folder / "log").read_text()


def asked(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """The series that an expression gives now."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=30) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as refused:
        raise AssertionError(f"{expression}: {refused.read().decode()}") from refused
    assert told["status"] == "success" and not told.get("warnings")
    found: list[dict[str, Any]] = told["data"]["result"]
    return found


def interpolated(expression: str) -> str:
    """As Grafana would ask it, of all domains."""
    every = "|".join(domain.value for domain in DOMAINS)
    made = expression.replace("$__rate_interval", "10s").replace("$domain", every)
    assert "$" not in made
    return made


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_is_understood_and_has_lines(name: str, prometheus: str) -> None:
    found = asked(prometheus, interpolated(PANELS[name]))
    if "gridwatch_detect_" not in PANELS[name]:
        return  # of an exporter that is not here
    assert found and all(float(series["value"][1]) >= 0 for series in found)
    panel = next(
        target for board in dashboards().values() for p in board["panels"] for target in p.get("targets", [])
        if target.get("expr") == PANELS[name]
    )  # fmt: skip
    for label in re.findall(r"{{(\w+)}}", panel["legendFormat"]):
        assert all(label in series["metric"] for series in found), "the legend names a label that is not there"


def test_figures_are_those_that_were_told(prometheus: str) -> None:
    (lag,) = asked(prometheus, 'gridwatch_detect_lag_records{domain="meter"}')
    (records,) = asked(prometheus, 'gridwatch_detect_records_total{domain="meter"}')
    assert float(lag["value"][1]) > 0 and float(records["value"][1]) >= 100 * SCRAPES
    (mean,) = asked(prometheus, interpolated(PANELS["health.json: Batch duration A"]).replace("by (domain)", ""))
    assert float(mean["value"][1]) == pytest.approx(0.2)


@pytest.mark.parametrize("uid", RULES)
def test_alert_rules_of_grafana_have_an_instance_a_domain(uid: str, prometheus: str) -> None:
    assert {series["metric"]["domain"] for series in asked(prometheus, RULES[uid])} == {d.value for d in DOMAINS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_metrics_that_rules_name_are_there(rule: dict[str, Any], prometheus: str) -> None:
    asked(prometheus, rule["expr"])
    for metric in re.findall(r"gridwatch_detect_\w+", rule["expr"]):
        assert asked(prometheus, metric), metric


def test_the_files_are_valid(tmp_path: Path) -> None:
    shutil.copy(COMPOSE / "prometheus.yaml", tmp_path / "prometheus.yml")
    shutil.copy(COMPOSE / "prometheus-rules.yaml", tmp_path / "rules.yml")
    subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], check=True)
    subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], check=True)


#: Series a minute, and the alerts that fire for them at a minute, by their domains.
CASES: dict[str, tuple[dict[str, str], int, str, list[str]]] = {
    "what lags for five minutes": (
        {
            'gridwatch_detect_lag_records{domain="meter",partition="0"}': "60000x20",
            'gridwatch_detect_lag_records{domain="meter",partition="1"}': "60000x20",
            'gridwatch_detect_lag_records{domain="vehicle",partition="0"}': "99000x20",
        },
        6,
        "DetectionFallsBehind",
        ["meter"],
    ),
    "not yet": ({'gridwatch_detect_lag_records{domain="meter",partition="0"}': "120000x20"}, 4, "DetectionFallsBehind", []),
    "a domain that ended a batch at the beginning only; correlation may, while nothing waits": (
        {
            'gridwatch_detect_batch_ended_timestamp_seconds{domain="meter"}': "0x20",
            'gridwatch_detect_batch_ended_timestamp_seconds{domain="vehicle"}': "0+60x20",
            'gridwatch_detect_interval_seconds{domain="meter"}': "0x20",
            'gridwatch_detect_interval_seconds{domain="vehicle"}': "0x20",
            'gridwatch_detect_batch_ended_timestamp_seconds{domain="correlation"}': "0x20",
            'gridwatch_detect_interval_seconds{domain="correlation"}': "0x20",
            'gridwatch_detect_lag_records{domain="correlation",partition="0"}': "0x20",
        },
        10,
        "DetectionStandsStill",
        ["meter"],
    ),
    "correlation that does not read what waits": (
        {
            'gridwatch_detect_batch_ended_timestamp_seconds{domain="correlation"}': "0x20",
            'gridwatch_detect_interval_seconds{domain="correlation"}': "0x20",
            'gridwatch_detect_lag_records{domain="correlation",partition="0"}': "3x20",
        },
        10,
        "DetectionStandsStill",
        ["correlation"],
    ),
    "batches of forty seconds, where thirty may pass and where a minute is the interval": (
        {
            'gridwatch_detect_last_batch_seconds{domain="meter",instance="i"}': "40x30",
            'gridwatch_detect_interval_seconds{domain="meter",instance="i"}': "0x30",
            'gridwatch_detect_last_batch_seconds{domain="vehicle",instance="i"}': "40x30",
            'gridwatch_detect_interval_seconds{domain="vehicle",instance="i"}': "60x30",
        },
        20,
        "DetectionBatchesTooLong",
        ["meter"],
    ),
    "twenty refused a second": (
        {'gridwatch_detect_refused_total{domain="meter",reason="empty"}': "0+1200x20"},
        10,
        "DetectionRefusesRecords",
        ["meter"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_rules_fire_when_they_should(case: str, tmp_path: Path) -> None:
    """By the unit tests of promtool, whose clock begins at 0."""
    series, minute, alert, domains = CASES[case]
    (rule,) = (rule for rule in ALERTS if rule["alert"] == alert)
    # Their texts are not compared: they hold the figures.
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump(
            {"groups": [{"name": "tested", "rules": [{k: v for k, v in rule.items() if k != "annotations"}]}]}
        )
    )
    own = {"reason": "empty"} if alert == "DetectionRefusesRecords" else {}
    own |= {"instance": "i"} if alert == "DetectionBatchesTooLong" else {}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{minute}m",
                "alertname": alert,
                "exp_alerts": [{"exp_labels": {**rule["labels"], "domain": d, **own}} for d in domains],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]})
    )
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
