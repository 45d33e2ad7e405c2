"""README and CONTRIBUTING say what is true: their commands run, their examples parse, what they name is there."""

import importlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final, get_args, get_origin
from xml.etree import ElementTree

import psycopg
import pytest
import typer
import yaml
from pydantic import BaseModel

from detectors.catalog import check_site, of_domain
from detectors.local import frame, make_engine
from detectors.plan import make_plan
from detectors.site import Site, parse_site
from docs.detector_table import replaced
from infra.database import prepare
from infra.stack import StackState
from jobs.command.context import Options
from jobs.command.root import SUBCOMMANDS, build, run
from jobs.settings import keys, load
from jobs.state_store import Manifest, StateStore
from schemas import topics
from schemas.records import METER_READING
from schemas.records import of_domain as records_of
from schemas.types import TELEMETRY_DOMAINS, Domain
from tests.conftest import Database
from tests.integration.elsewhere import ELSEWHERE
from tests.unit.packets import Capture, Connection, modbus

ROOT: Final = Path(__file__).parent.parent.parent
PAGES: Final = (
    "docs/site_file.md",
    "docs/rules.md",
    "docs/detectors.md",
    "docs/incidents.md",
    "docs/console.md",
    "docs/grafana.md",
)
DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", *PAGES)
SITE_FILE: Final = PAGES[0]


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int
    language: str
    text: str


def blocks(document: str) -> Iterator[Block]:
    found: list[str] | None = None
    opened = 0
    language = ""
    for number, line in enumerate((ROOT / document).read_text(encoding="utf-8").splitlines(), 1):
        if found is None and line.startswith("```"):
            found, opened, language = [], number, line[3:].strip()
        elif found is not None and line == "```":
            yield Block(document, opened, language, "\n".join(found) + "\n")
            found = None
        elif found is not None:
            found.append(line)
    assert found is None, f"{document}, line {opened}: the block does not end"


def only(document: str, language: str) -> str:
    (block,) = (block for block in blocks(document) if block.language == language)
    return block.text


def commands(document: str) -> list[str]:
    shell = [block for block in blocks(document) if block.language in ("sh", "console", "bash")]
    joined = "".join(block.text for block in shell).replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line and not line.startswith("#")]


# Commands


def test_readme_commands_run(tmp_path: Path, stack: StackState, database: Database) -> None:
    """In order, in one directory that holds the files of which a reader has his own."""
    (tmp_path / "site.yaml").write_text(only(SITE_FILE, "yaml"), encoding="utf-8")
    capture = Capture()
    Connection(capture, client="10.0.0.99").send(modbus(1, b"\x03\x00\x00\x00\x01"))
    capture.write(tmp_path, "capture.pcap")
    remember(tmp_path / "var" / "state")
    (tmp_path / "suppressions.yaml").write_text(only("docs/incidents.md", "yaml"), encoding="utf-8")
    with psycopg.connect(database.dsn) as connection:
        prepare(connection)
    place = {"GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": stack.bootstrap, "GRIDWATCH_POSTGRES__DSN": database.dsn}
    said = {
        command: execute(command, tmp_path, **place)
        for document in ("README.md", *PAGES)
        for command in commands(document)
        if command not in ELSEWHERE
    }
    alerts = said["gridwatch scan capture.pcap --site site.yaml --json --flags flags.csv"].splitlines()
    assert [json.loads(alert)["detector"] for alert in alerts] == ["rogue_master"]
    assert (tmp_path / "flags.csv").read_text().splitlines()[1].startswith("capture.pcap,1,rogue_master,")
    assert "M00042" in said["gridwatch state show M00042"]
    assert "register_rollback" in said["gridwatch scan meters.jsonl --site lab/site.yaml"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("gridwatch detect", "detecting in meter, substation, vehicle"),
        ("gridwatch land", "landing in "),
        ("gridwatch archive", "archiving meter, substation, vehicle"),
        ("gridwatch console", "console: http"),
        ("gridwatch observe", "observing meter, substation, vehicle"),
    ],
)
def test_the_jobs_run_as_the_readme_says(
    command: str, says: str, tmp_path: Path, stack: StackState, database: Database
) -> None:
    """Each as it stands, in an empty directory, until a Ctrl-C, which a terminal sends to all processes of the job."""
    assert any(command in commands(document) for document in DOCUMENTS)
    place = {"GRIDWATCH_KAFKA__BOOTSTRAP_SERVERS": stack.bootstrap, "GRIDWATCH_POSTGRES__DSN": database.dsn}
    shell = ["bash", "-c", f"exec {command}"]
    with subprocess.Popen(
        shell, cwd=tmp_path, env=environment(place), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as job:
        assert job.stderr is not None
        lines = []
        for line in job.stderr:
            lines.append(line)
            if line.startswith(says):
                break
        os.killpg(job.pid, signal.SIGINT)
        lines += job.stderr.readlines()
    assert job.returncode == 0, "".join(lines)
    assert any(line.startswith(says) for line in lines), "".join(lines)
    assert not [line for line in lines if "Traceback" in line or " ERROR " in line]


def remember(folder: Path) -> None:
    """What a detection job leaves: the state of one meter."""
    readings = [
        {
            "time": datetime(2026, 3, 2, hour, tzinfo=UTC),
            "meter": "M00042",
            "transformer": "T1",
            "register_kwh": 1.0 * hour,
        }
        for hour in range(3)
    ]
    engine = make_engine(Domain.METER, of_domain(Domain.METER), Site())
    state = engine.step({}, {METER_READING.name: frame(METER_READING, readings, range(len(readings)))}).state
    store = StateStore(str(folder), Domain.METER.value)
    store.commit(Manifest(0, 1, {0: store.write(0, 0, state)}))


def test_contributing_commands_run() -> None:
    for command in commands("CONTRIBUTING.md"):
        if command not in ELSEWHERE:
            execute(command, ROOT)


def test_the_wheel_is_made() -> None:
    """In the repository, where its version stands: the README names the file."""
    wheel = execute("make wheel", ROOT).split()[-1]
    assert f"--py-files {wheel} " in next(c for c in commands("README.md") if c.startswith("spark-submit"))
    assert (ROOT / wheel).is_file()


def execute(command: str, directory: Path, **settings: str) -> str:
    """Run a line as a shell would; gives its standard output."""
    shell = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(shell, cwd=directory, env=environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Without the settings of the caller, and without the marks of a make around the tests: an inner make would speak of directories."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("GRIDWATCH_", "MAKE", "MFLAGS"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{bare['PATH']}"
    return bare | dict(settings) | {"PATH": path}


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_is_run_elsewhere_is_there(command: str) -> None:
    assert any(command in commands(document) for document in DOCUMENTS), "no document has it any more"
    file, _, test = ELSEWHERE[command].partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not test or re.search(rf"^def {test}\(", text, re.MULTILINE)


# Examples of the command's own help


def examples_of(words: list[str]) -> list[str]:
    with redirect_stdout(StringIO()) as out:
        assert run([*words, "--help"]) == 0
    text = out.getvalue().replace("\n  ", " ")
    found = re.findall(r"Example: (.+?)(?=Example: |\n\n|\Z)", text, re.DOTALL)
    assert found, f"{' '.join(words)}: its help shows no example"
    return [" ".join(example.split()) for example in found]


def subcommands() -> Iterator[list[str]]:
    for subcommand in SUBCOMMANDS:
        yield [subcommand.name]
        module, attribute = subcommand.target.split(":")
        target = getattr(importlib.import_module(module), attribute)
        if isinstance(target, typer.Typer):
            for command in target.registered_commands:
                assert command.callback is not None
                yield [subcommand.name, command.name or command.callback.__name__.replace("_", "-")]


@pytest.mark.parametrize("words", list(subcommands()), ids=" ".join)
def test_examples_of_the_help_are_valid_calls(words: list[str]) -> None:
    """Every option and argument of the example exists; it is parsed, not run."""
    for example in examples_of(words):
        parts = [shlex.split(part) for part in re.split(r"\||&&|>", example)]
        calls = [part[1:] for part in parts if part[0] == "gridwatch"]
        assert any(call[: len(words)] == words or (len(words) == 1 and call[0] == words[0]) for call in calls)
        for call in calls:
            parse(call)


def parse(call: list[str]) -> None:
    command = typer.main.get_command(build(call, Options()))
    context = command.make_context("gridwatch", list(call))
    # A group that does something by itself may stand alone.
    while hasattr(command, "resolve_command") and (left := [*context._protected_args, *context.args]):
        name, command, rest = command.resolve_command(context, left)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("words", [["lab", "attacks"], ["lab", "files"]], ids=" ".join)
def test_examples_that_need_nothing_run(words: list[str], tmp_path: Path) -> None:
    assert execute(examples_of(words)[0], tmp_path)


# What the documents show


def test_the_settings_file_is_valid_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gridwatch.toml"
    text = only("README.md", "toml")
    path.write_text(text, encoding="utf-8")
    assert load(path).kafka.security_protocol == "SASL_SSL"
    shown = {
        name if not isinstance(value, dict) else f"{name}.{key}"
        for name, value in tomllib.loads(text).items()
        for key in (value if isinstance(value, dict) else [""])
    }
    shown |= {line.split()[1] for line in text.splitlines() if re.match(r"# \w+ =", line)}
    assert shown == set(keys())


def test_the_site_file_is_valid_and_whole() -> None:
    facts = yaml.safe_load(only(SITE_FILE, "yaml"))
    site = parse_site(facts, SITE_FILE)
    check_site(site)
    for domain in TELEMETRY_DOMAINS:
        off = make_plan(of_domain(domain), records_of(domain), site).off
        assert set(off) <= set(site.disabled), "the example leaves no detector without its facts"
    # What was read from the folder of rules is no key.
    assert set(absent(Site, [facts], "")) == {"rule_files"}, "keys that the example does not show"


def absent(model: type[BaseModel], given: list[Any], at: str) -> Iterator[str]:
    """The keys of a model, and of the models in it, that stand in none of the mappings."""
    for name, field in model.model_fields.items():
        values = [mapping[name] for mapping in given if name in mapping]
        if not values:
            yield f"{at}{name}"
        if get_origin(field.annotation) is dict:
            values = [item for value in values for item in value.values()]
        for inner in models_in(field.annotation):
            below = [item for value in values for item in (value if isinstance(value, list) else [value])]
            yield from absent(inner, below, f"{at}{name}.")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def test_the_table_of_detectors_is_that_of_the_catalogue() -> None:
    text = (ROOT / "docs" / "detectors.md").read_text(encoding="utf-8")
    assert replaced(text) == text, "write it anew: python docs/detector_table.py"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_the_documents_name_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", prose) if "://" not in link]
    quoted = [word for code in re.findall(r"`([^`]+)`", prose) for word in code.split()]
    tops = {path.name for path in ROOT.iterdir()}
    named = [
        word.rstrip(",:") for word in quoted if word.split("/")[0] in tops and "<" not in word and "var/" not in word
    ]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [link for link in links if not (ROOT / document).parent.joinpath(link).exists()]
    assert not missing
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", prose)) <= targets
    called = set(re.findall(r"`gridwatch ([a-z-]+)", prose))
    assert called <= {subcommand.name for subcommand in SUBCOMMANDS}
    assert not re.findall(r"\b(TODO|FIXME|TBD)\b", text)


def test_the_pictures_of_the_console_are_small() -> None:
    shown = {
        (ROOT / document).parent.joinpath(name).resolve()
        for document in DOCUMENTS
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", (ROOT / document).read_text(encoding="utf-8"))
    }
    pictures = set((ROOT / "docs" / "screenshots").resolve().iterdir())
    assert shown == pictures and len(pictures) == 4
    assert all(picture.stat().st_size < 300_000 for picture in pictures)


def test_the_picture_is_sound_and_reads_without_its_page() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "pipeline.svg").getroot()
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert picture.find("svg:title", space) is not None
    assert picture.find("svg:desc", space) is not None
    words = {(text.text or "").strip() for text in picture.iterfind(".//svg:text", space)}
    assert {domain.topic for domain in TELEMETRY_DOMAINS} <= words
    assert {topics.ALERTS, topics.DEADLETTER} <= words
    ground = picture.find("svg:rect", space)
    assert ground is not None
    assert ground.get("fill") == "#fbfcfd"
