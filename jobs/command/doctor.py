"""`gridwatch doctor`: what this machine lacks, one line a check, each with its remedy."""

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from jobs.command.context import say, settings_of
from schemas.errors import ConfigFault, Fault, RunFault

if TYPE_CHECKING:
    from jobs.settings import Settings

#: Fetched jars, Spark's scratch files and a demo's data, bytes.
DISK_NEEDED: Final = 3 * 10**9


@dataclass(frozen=True)
class Finding:
    """The outcome of one check. `fatal` when Gridwatch cannot work without it."""

    name: str
    good: bool
    detail: str
    remedy: str = ""
    fatal: bool = True


def doctor(
    context: typer.Context,
    install: Annotated[bool, typer.Option("--install", help="Install Java and tshark with apt where missing.")] = False,
) -> None:
    """Check this machine: one line a check, with the remedy; the exit code is 4 when something needed is missing.

    Example: gridwatch doctor
    """
    if install:
        from infra.java import ensure_java
        from infra.tshark import ensure_tshark

        ensure_java(os.environ, say)
        ensure_tshark(os.environ, say)
    failed = []
    for finding in examine(context):
        mark = "ok     " if finding.good else "MISSING" if finding.fatal else "note   "
        typer.echo(f"{mark} {finding.name:<9} {finding.detail}" + (f": {finding.remedy}" if finding.remedy else ""))
        if finding.fatal and not finding.good:
            failed.append(finding.name)
    if failed:
        raise RunFault(f"this machine is not ready: {', '.join(failed)}", "gridwatch doctor", "see the lines above")


def examine(context: typer.Context) -> Iterator[Finding]:
    """Run the checks in order; the later ones need valid settings."""
    yield _python()
    yield _packages()
    yield _java()
    yield _tshark()
    try:
        settings = settings_of(context)
    except Fault as fault:
        yield Finding("settings", False, f"{fault.what} ({fault.where})", fault.remedy)
        return
    yield Finding("settings", True, "valid")
    yield _disk(settings.run_dir)
    yield _cache(settings.cache_dir)
    yield _ports(settings)
    yield _server("kafka", lambda: _kafka_address(settings), settings.kafka.bootstrap_servers is not None)
    yield _server("postgres", lambda: _postgres_address(settings), settings.postgres.dsn is not None)


def _python() -> Finding:
    return Finding("python", True, f"{'.'.join(map(str, sys.version_info[:3]))}, {sys.executable}")


def _packages() -> Finding:
    missing = []
    for requirement in importlib.metadata.requires("gridwatch") or ():
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement:
            try:
                importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                missing.append(name)
    if missing:
        return Finding("packages", False, f"missing {', '.join(missing)}", "make setup")
    return Finding("packages", True, "complete")


def _java() -> Finding:
    from infra import java

    found = java.find_java(os.environ)
    if found is None:
        return Finding("java", False, f"no release {java.OLDEST} or newer", java.REMEDY)
    return Finding("java", True, f"{found.version}, {found.home}")


def _tshark() -> Finding:
    from infra import tshark

    found = tshark.find_tshark(os.environ)
    if found is None:
        return Finding("tshark", False, "absent or too old", tshark.REMEDY)
    return Finding("tshark", True, f"{found.version[0]}.{found.version[1]}, {found.executable}")


def _disk(directory: Path) -> Finding:
    existing = next(place for place in (directory.absolute(), *directory.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    enough = free >= DISK_NEEDED
    remedy = "" if enough else f"free {DISK_NEEDED / 1e9:.0f} GB or set run_dir"
    return Finding("disk", enough, f"{free / 1e9:.0f} GB free in {existing}", remedy)


def _cache(directory: Path) -> Finding:
    from infra import kafka, spark

    wanted = {kafka.fetched_directory(directory), spark.fetched_directory(directory)}
    missing = sorted(place.name for place in wanted if not place.is_dir())
    if missing:
        return Finding(
            "cache", False, f"{', '.join(missing)} not in {directory}", "fetched when first used", fatal=False
        )
    return Finding("cache", True, f"complete, {directory}")


def _ports(settings: "Settings") -> Finding:
    from infra.ports import is_free
    from jobs.connections import embedded_stack

    if embedded_stack(settings).load() is not None:
        return Finding("ports", True, "in use by the embedded stack")
    wanted = (settings.embedded.kafka_port, settings.embedded.postgres_port)
    busy = [str(port) for port in wanted if not is_free(port)]
    if busy:
        return Finding("ports", False, f"{', '.join(busy)} busy", "gridwatch up takes free ones instead", fatal=False)
    return Finding("ports", True, f"{wanted[0]} and {wanted[1]} are free")


def _server(name: str, address: Callable[[], str], is_set: bool) -> Finding:
    """A server that is not up yet is no fault of the machine; one that is set and does not answer is."""
    try:
        return Finding(name, True, f"answers at {address()}")
    except ConfigFault as fault:
        return Finding(name, False, f"{fault.what} ({fault.where})", fault.remedy, fatal=is_set)
    except RunFault as fault:
        return Finding(name, False, f"{fault.what} at {fault.where}", fault.remedy)


def _kafka_address(settings: "Settings") -> str:
    from infra import kafka
    from jobs.connections import kafka_client

    client = kafka_client(settings)
    where = str(client["bootstrap.servers"])
    if not kafka.answers(client):
        raise RunFault("Kafka does not answer", where, "check its address and security settings, or gridwatch up")
    return where


def _postgres_address(settings: "Settings") -> str:
    from psycopg.conninfo import conninfo_to_dict

    from infra import postgres
    from jobs.connections import postgres_dsn

    dsn = postgres_dsn(settings)
    parts = conninfo_to_dict(dsn)
    where = f"{parts.get('host', 'local socket')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
    if not postgres.answers(dsn):
        raise RunFault("PostgreSQL does not answer", where, "check postgres.dsn, or gridwatch up")
    return where
