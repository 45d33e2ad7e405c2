"""The command imports what it is asked for alone, and tells every error in one line with its own exit code."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from jobs.command import root
from jobs.command.root import SUBCOMMANDS, Subcommand, run
from schemas.errors import ConfigFault, RunFault, UsageFault


def broken(context: typer.Context, kind: str) -> None:
    """Fail as told.

    Example: gridwatch broken run
    """
    faults = {"usage": UsageFault, "config": ConfigFault, "run": RunFault}
    if kind in faults:
        raise faults[kind]("it is broken", "here", "mend it")
    if kind == "interrupt":
        raise KeyboardInterrupt
    raise KeyError("nobody\nthought of this")


@pytest.fixture(autouse=True)
def _with_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(root, "SUBCOMMANDS", (Subcommand("broken", f"{__name__}:broken", "Fail."),))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[broken.__module__])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(("kind", "code"), [("usage", 2), ("config", 3), ("run", 4)])
def test_a_fault_is_one_line_and_its_code(kind: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["broken", kind]) == code
    assert capsys.readouterr().err == "gridwatch: it is broken (here): mend it\n"


def test_the_unexpected_is_one_line_and_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["broken", "unexpected"]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    kept = next((tmp_path / "gridwatch" / "errors").iterdir())
    assert str(kept) in line
    assert "Traceback" in kept.read_text()


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--debug", "broken", "unexpected"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["broken", "interrupt"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("arguments", [["absent"], ["broken"], ["broken", "run", "--absent"]])
def test_wrong_usage_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "--help" in line


def test_help_lists_what_it_does_not_import(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root, "SUBCOMMANDS", (Subcommand("later", "no_such_module:later", "Something later."),))
    assert run(["--help"]) == 0
    assert "Something later." in capsys.readouterr().out
    assert run([]) == 0


@pytest.mark.parametrize("subcommand", SUBCOMMANDS, ids=lambda s: s.name)
def test_every_subcommand_has_help_with_an_example(
    subcommand: Subcommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root, "SUBCOMMANDS", SUBCOMMANDS)
    assert run([subcommand.name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"gridwatch {subcommand.name}" in text.replace("Usage: gridwatch", "")


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'pyspark', 'polars', 'numpy', 'sklearn', 'pyarrow', 'confluent_kafka', 'pydantic', 'psycopg'}"
    program = (
        f"import sys; from jobs.command.root import run; run(['--help']); sys.exit(str({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
