"""Finding tshark, the dissector of captures and live interfaces, or installing it."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra import apt
from infra.progress import Say, quiet
from schemas.errors import RunFault

#: Older releases lack fields that the tap reads.
OLDEST: Final = (3, 6)

REMEDY: Final = "install tshark 3.6 or newer (Debian/Ubuntu: apt install tshark; macOS: brew install wireshark)"

PLACES: Final = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/Applications/Wireshark.app/Contents/MacOS")


@dataclass(frozen=True)
class Tshark:
    """A tshark executable and its release, such as (4, 0)."""

    executable: Path
    version: tuple[int, int]


def find_tshark(environ: Mapping[str, str]) -> Tshark | None:
    """The tshark on the PATH or in the usual places; None when it is absent or too old."""
    found = shutil.which("tshark", path=":".join((environ.get("PATH", ""), *PLACES)))
    if found is None:
        return None
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    release = re.search(r"TShark.*?(\d+)\.(\d+)", answer.stdout)
    if release is None:
        return None
    version = (int(release.group(1)), int(release.group(2)))
    return Tshark(Path(found), version) if version >= OLDEST else None


def require_tshark(environ: Mapping[str, str]) -> Tshark:
    """A usable tshark.

    Raises:
        RunFault: there is none.
    """
    tshark = find_tshark(environ)
    if tshark is None:
        raise RunFault("no tshark", "PATH", REMEDY)
    return tshark


def ensure_tshark(environ: Mapping[str, str], say: Say = quiet) -> Tshark:
    """A usable tshark, installed by apt when absent and this is root on Debian or Ubuntu.

    Raises:
        RunFault: there is none and none could be installed.
    """
    tshark = find_tshark(environ)
    if tshark is None and apt.may_install() and apt.install_first(("tshark",), say):
        tshark = find_tshark(environ)
    return tshark or require_tshark(environ)
