"""System packages, where this process may install them."""

import os
import shutil
import subprocess
from collections.abc import Iterable

from infra.progress import Say


def may_install() -> bool:
    """Whether this is root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_first(packages: Iterable[str], say: Say) -> bool:
    """Install the first of several packages that the system's archive has; False when none could be installed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, capture_output=True, check=False)
    for package in packages:
        say(f"installing {package} with apt")
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0:
            return True
    return False
