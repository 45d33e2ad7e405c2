"""The compose file: valid by the Compose specification, and in step with what it mounts, names and sets.

Docker's own check (`docker compose config`) runs where the plugin is installed. Everywhere, `compose_spec`, a strict parser of the
specification, refuses unknown keys and malformed values; it starts nothing.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from psycopg.conninfo import conninfo_to_dict

from infra.postgres import CONSOLE, LANDING, OWNER
from jobs.command.root import SUBCOMMANDS
from jobs.settings import load
from tests.conftest import REPOSITORY

DIRECTORY = REPOSITORY / "infra/compose"
FILE = DIRECTORY / "compose.yaml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def has_compose_plugin() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0


def test_the_specification_accepts_it() -> None:
    parsed = PyCompose.from_json(json.dumps(COMPOSE))
    parsed.validate()
    assert set(parsed.service_names()) == set(SERVICES)
    if has_compose_plugin():
        example = DIRECTORY / "env.example"
        subprocess.run(["docker", "compose", "--env-file", example, "--file", FILE, "config", "--quiet"], check=True)


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [("kafka", "imagee", "x"), ("kafka", "ports", ["nonsense"]), ("land", "restart", 5), ("land", "depends_on", 1)],
)
def test_the_check_refuses_what_is_wrong(service: str, key: str, value: Any) -> None:
    broken = {**COMPOSE, "services": {**SERVICES, service: {**SERVICES[service], key: value}}}
    with pytest.raises(ValueError):
        PyCompose.from_json(json.dumps(broken))


def test_every_part_of_the_pipeline_is_a_service() -> None:
    assert {"kafka", "postgres", "prometheus", "grafana", "spark-master", "spark-worker"} <= set(SERVICES)
    assert {"detect", "land", "archive"} <= set(SERVICES)


def test_services_wait_for_services_that_can_tell() -> None:
    for name, service in SERVICES.items():
        waits = service.get("depends_on", {})
        for other, how in waits.items() if isinstance(waits, dict) else ((other, {}) for other in waits):
            assert other in SERVICES, f"{name} waits for {other}"
            if how.get("condition") == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{other} cannot become healthy"


def mounts() -> Iterator[tuple[str, str, str]]:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, target = volume.split(":")[:2]
            yield name, source, target


def test_mounted_files_and_volumes_are_there() -> None:
    for name, source, target in mounts():
        assert target.startswith("/")
        if source.startswith("."):
            assert (DIRECTORY / source).exists(), f"{name} mounts {source}"
        else:
            assert source in COMPOSE["volumes"]
    build = SERVICES["land"]["build"]
    assert (DIRECTORY / build["context"] / build["dockerfile"]).is_file()


def test_no_secret_stands_in_it_and_every_variable_in_the_example() -> None:
    example = set(re.findall(r"^(\w+)=$", (DIRECTORY / "env.example").read_text(), re.MULTILINE))
    assert set(re.findall(r"\$\{(\w+)\}", TEXT)) == example
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASS|DSN|TOKEN", key):
                assert "${" in value, f"{key} is written out"


def test_settings_are_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    roles = {
        "detect": None,
        "archive": None,
        "land": LANDING,
        "observe": LANDING,
        "console": CONSOLE,
        "database": OWNER,
    }
    for name, role in roles.items():
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for key, value in SERVICES[name]["environment"].items():
                patch.setenv(key, value)
            settings = load()
            assert settings.kafka.bootstrap_servers == "kafka:9092"
            dsn = settings.postgres.dsn
            assert (dsn and conninfo_to_dict(dsn.get_secret_value())["user"]) == role
            assert str(settings.run_dir) in {target for own, _, target in mounts() if own == name}


def test_commands_are_ours() -> None:
    known = {subcommand.name for subcommand in SUBCOMMANDS}
    for service in SERVICES.values():
        if service["image"].startswith("gridwatch") and "entrypoint" not in service:
            assert service["command"][0] in known


def test_images_are_pinned_and_ports_stay_on_this_host() -> None:
    for service in SERVICES.values():
        assert re.search(r":v?\d", service["image"]), service["image"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_grafana_finds_what_provisioning_names() -> None:
    environment = SERVICES["grafana"]["environment"]
    sources = (REPOSITORY / "infra/grafana/provisioning/datasources").iterdir()
    used = {name for source in sources for name in re.findall(r": \$(\w+)", source.read_text())}
    assert used and used <= set(environment)
    targets = {target for name, _, target in mounts() if name == "grafana"}
    assert {"/etc/grafana/provisioning", "/etc/grafana/dashboards"} <= targets


def test_prometheus_scrapes_services_and_its_rules_are_mounted() -> None:
    scraped = yaml.safe_load((DIRECTORY / "prometheus.yaml").read_text())
    hosts = {
        target.split(":")[0]
        for job in scraped["scrape_configs"]
        for each in job["static_configs"]
        for target in each["targets"]
    }
    assert hosts - {"127.0.0.1"} <= set(SERVICES)
    (port,) = (
        t
        for job in scraped["scrape_configs"]
        if job["job_name"] == "detect"
        for t in job["static_configs"][0]["targets"]
    )
    assert SERVICES["detect"]["command"][1:] == ["--metrics", port.replace("detect:", "0.0.0.0:")]
    rules = yaml.safe_load((DIRECTORY / "prometheus-rules.yaml").read_text())["groups"]
    assert all(rule["expr"] and rule["annotations"]["summary"] for group in rules for rule in group["rules"])
