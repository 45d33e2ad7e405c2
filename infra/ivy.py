"""Fetching Java artifacts with the Ivy that pyspark carries, into a directory that appears whole or not at all."""

import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from infra.java import Java
from infra.progress import Say
from schemas.errors import RunFault

#: Maven packagings that are jar files.
TYPES: Final = ("jar", "bundle")
#: Seconds between two lines of progress.
LINE_S: Final = 5.0


@dataclass(frozen=True)
class Artifact:
    """A Maven coordinate."""

    group: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}:{self.name}:{self.version}"


def pyspark_home() -> Path:
    """The directory of the installed pyspark, found without importing it.

    Raises:
        RunFault: pyspark is not installed.
    """
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RunFault("pyspark is not installed", "this Python environment", "run make setup")
    return Path(spec.origin).parent


def fetch(
    artifacts: Sequence[Artifact],
    target: Path,
    *,
    java: Java,
    cache: Path,
    say: Say,
    excluded_groups: Sequence[str] = (),
) -> list[Path]:
    """The jars of artifacts and all they depend on, fetched once.

    Args:
        artifacts: what is wanted.
        target: the directory that holds the jars afterwards; when it exists, nothing is fetched.
        java: runs Ivy.
        cache: Ivy's own cache.
        say: is told the progress.
        excluded_groups: Maven groups whose artifacts are not wanted.

    Returns:
        the jar files in alphabetical order.

    Raises:
        RunFault: an artifact could not be fetched.
    """
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as work:
            libraries = Path(work) / "jars"
            libraries.mkdir()
            module = Path(work) / "ivy.xml"
            _write_module(module, artifacts, excluded_groups)
            _run(java, module, libraries, cache, artifacts, say)
            try:
                libraries.rename(target)
            except OSError:
                # Another process was faster: its directory is as good as ours.
                if not target.is_dir():
                    raise
    return sorted(target.glob("*.jar"))


def _write_module(path: Path, artifacts: Sequence[Artifact], excluded_groups: Sequence[str]) -> None:
    module = ElementTree.Element("ivy-module", version="2.0")
    ElementTree.SubElement(module, "info", organisation="gridwatch", module="jars")
    dependencies = ElementTree.SubElement(module, "dependencies")
    for artifact in artifacts:
        dependency = ElementTree.SubElement(
            dependencies,
            "dependency",
            org=artifact.group,
            name=artifact.name,
            rev=artifact.version,
            conf="default->default",
        )
        for group in excluded_groups:
            ElementTree.SubElement(dependency, "exclude", org=group)
    ElementTree.ElementTree(module).write(path, encoding="utf-8", xml_declaration=True)


def _run(java: Java, module: Path, libraries: Path, cache: Path, artifacts: Sequence[Artifact], say: Say) -> None:
    wanted = ", ".join(map(str, artifacts))
    ivy = next((pyspark_home() / "jars").glob("ivy-*.jar"))
    command = [
        str(java.executable), "-jar", str(ivy), "-ivy", str(module), "-cache", str(cache), "-types", *TYPES,
        "-confs", "default", "-retrieve", f"{libraries}/[artifact]-[revision](-[classifier]).[ext]",
    ]  # fmt: skip
    say(f"fetching {wanted}")
    problems: list[str] = []
    fetched, told = 0, time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "[SUCCESSFUL ]" in line and ".jar" in line:
                fetched += 1
            elif any(word in line for word in ("not found", "FAILED", "unresolved", "ERROR")):
                problems.append(" ".join(line.split()))
            if time.monotonic() - told >= LINE_S:
                told = time.monotonic()
                say(f"fetching {wanted}: {fetched} files")
    if process.returncode != 0 or problems or not any(libraries.iterdir()):
        shutil.rmtree(libraries, ignore_errors=True)
        detail = problems[0][:200] if problems else f"Ivy ended with {process.returncode}"
        raise RunFault(f"cannot fetch {wanted}: {detail}", str(cache), "check that a Maven repository can be reached")
