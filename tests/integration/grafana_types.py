"""Panels of dashboards against Grafana's own types: written as TypeScript literals, judged by the compiler."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1] / "grafana_types"
#: One fault as the compiler tells it; what follows indented explains it.
FAULT = re.compile(r"^panels\.ts\((\d+),\d+\): error (TS\d+): (.*)$")
OPTIONS = "--noEmit --strict --target es2022 --module esnext --moduleResolution bundler --skipLibCheck --pretty false"

Dashboards = Mapping[str, Mapping[str, Any]]


def installed() -> Path:
    """The folder that holds the compiler and Grafana's types, as the lock file pins them; installs what is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.fail("no node or no npm: apt-get install nodejs npm (node 18 or newer)")
    modules, lock = PROJECT / "node_modules", PROJECT / "package-lock.json"
    done = modules / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        run = subprocess.run(["npm", "ci"], cwd=PROJECT, capture_output=True, text=True, timeout=240)
        if run.returncode:
            pytest.fail(f"npm ci in {PROJECT}: {run.stderr}")
        done.touch()
    return modules


def faults(dashboards: Dashboards, folder: Path) -> list[str]:
    """What Grafana's types have against these dashboards.

    Args:
        dashboards: name -> content.
        folder: an empty one, to work in.

    Returns:
        sentences that name dashboard, panel and field.
    """
    modules = installed()
    text = [f"import type {{ PanelOf }} from {json.dumps(str(PROJECT / 'panel'))};"]
    places = ["the types themselves"]
    for name, dashboard in dashboards.items():
        for panel in dashboard["panels"]:
            where = f"{name}: panel {panel['id']} ({panel['title']})"
            text.append(f"export const panel{len(text)}: PanelOf<{json.dumps(panel['type'])}> =")
            places.append(f"{where}: type")
            for path, line in _lines(panel, ""):
                text.append(line)
                places.append(f"{where}: {path}" if path else where)
    (folder / "panels.ts").write_text("\n".join(text), encoding="utf-8")
    compiler = ["node", str(modules / "typescript/bin/tsc"), *OPTIONS.split(), "panels.ts"]
    run = subprocess.run(compiler, cwd=folder, capture_output=True, text=True, timeout=240)
    found: list[str] = []
    for line in run.stdout.splitlines():
        if match := FAULT.match(line):
            found.append(f"{places[int(match[1]) - 1]}: {match[3]} ({match[2]})")
        elif found and line.startswith(" "):
            found[-1] += f"\n{line}"
        else:
            found.append(f"the types themselves: {line}")
    if run.returncode and not found:
        found.append(f"the compiler failed: {run.stderr}")
    return found


def _lines(value: Any, path: str, before: str = "", after: str = "") -> Iterator[tuple[str, str]]:
    """A value as a literal, and to each line the path of what begins or ends there."""
    if isinstance(value, dict):
        yield path, f"{before}{{"
        for key, item in value.items():
            yield from _lines(item, f"{path}.{key}" if path else key, f"{json.dumps(key)}: ", ",")
        yield path, f"}}{after}"
    elif isinstance(value, list):
        yield path, f"{before}["
        for n, item in enumerate(value):
            yield from _lines(item, f"{path}[{n}]", "", ",")
        yield path, f"]{after}"
    else:
        yield path, f"{before}{json.dumps(value)}{after}"
