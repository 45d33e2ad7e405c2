"""Finding a Java that Spark and Kafka run on, or installing one."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import apt
from infra.progress import Say, quiet
from schemas.errors import RunFault

#: The oldest Java that Spark 4 runs on.
OLDEST: Final = 17

PACKAGES: Final = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "default-jre-headless")

REMEDY: Final = f"install Java {OLDEST} or 21 (Debian/Ubuntu: apt install openjdk-17-jre-headless; macOS: brew install \
openjdk@17) or set JAVA_HOME"


@dataclass(frozen=True)
class Java:
    """A Java installation: its home directory and its feature release (17, 21, ...)."""

    home: Path
    version: int

    @property
    def executable(self) -> Path:
        """The `java` launcher."""
        return self.home / "bin" / "java"


def find_java(environ: Mapping[str, str]) -> Java | None:
    """The first usable Java: JAVA_HOME, then PATH, then the usual places; None when none is of release 17 or newer."""
    for home in _candidates(environ):
        version = _version(home / "bin" / "java")
        if version is not None and version >= OLDEST:
            return Java(home, version)
    return None


def require_java(environ: Mapping[str, str]) -> Java:
    """A usable Java.

    Raises:
        RunFault: there is none.
    """
    java = find_java(environ)
    if java is None:
        raise RunFault(f"no Java {OLDEST} or newer", "JAVA_HOME, PATH", REMEDY)
    return java


def ensure_java(environ: Mapping[str, str], say: Say = quiet) -> Java:
    """A usable Java, installed by apt when absent and this is root on Debian or Ubuntu.

    Raises:
        RunFault: there is none and none could be installed.
    """
    java = find_java(environ)
    if java is None and apt.may_install() and apt.install_first(PACKAGES, say):
        java = find_java(environ)
    return java or require_java(environ)


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"])
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    if on_path is not None:
        yield Path(on_path).resolve().parent.parent
    home = Path(environ.get("HOME", "/nonexistent"))
    for root, pattern in (
        (Path("/usr/lib/jvm"), "*"),
        (Path("/Library/Java/JavaVirtualMachines"), "*/Contents/Home"),
        (Path("/opt/homebrew/opt"), "openjdk*/libexec/openjdk.jdk/Contents/Home"),
        (Path("/usr/local/opt"), "openjdk*/libexec/openjdk.jdk/Contents/Home"),
        (home / ".sdkman/candidates/java", "*"),
    ):
        yield from sorted(root.glob(pattern))


def _version(executable: Path) -> int | None:
    if not executable.is_file():
        return None
    answer = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else None
