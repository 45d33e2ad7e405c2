"""The embedded stack: a real Kafka and a real PostgreSQL on loopback, started and stopped as one."""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from infra import database, kafka, ports, postgres, topics
from infra.java import require_java
from infra.kafka import KafkaPlace
from infra.postgres import ADMINISTRATOR, DATABASE, OWNER, READER, ROLES, Passwords, PostgresPlace
from infra.process import Process
from infra.progress import Say, quiet
from schemas.errors import RunFault

#: Version of the state file.
VERSION: Final = 2


@dataclass(frozen=True)
class StackState:
    """A stack that was started: its processes and how to reach them. Holds passwords: never print it whole."""

    kafka: Process
    kafka_port: int
    controller_port: int
    postgres: Process
    postgres_port: int
    passwords: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return f"{ports.LOOPBACK}:{self.kafka_port}"

    @property
    def dsn(self) -> str:
        """PostgreSQL, as the owner of our tables."""
        return self.dsn_of(OWNER)

    @property
    def reader_dsn(self) -> str:
        """PostgreSQL, as the role that may only read."""
        return self.dsn_of(READER)

    def dsn_of(self, role: str, database: str = DATABASE) -> str:
        """PostgreSQL, as any of its roles, in any of its databases."""
        return f"postgresql://{role}:{self.passwords[role]}@{ports.LOOPBACK}:{self.postgres_port}/{database}"


@dataclass(frozen=True)
class PartStatus:
    """One server of the stack: its name, its address, its process id, and whether it answers."""

    name: str
    address: str
    pid: int
    answers: bool
    log: str


@dataclass(frozen=True)
class Stack:
    """The stack of a run directory.

    Args:
        directory: holds data, logs and the state file `stack.json` (readable by its owner alone).
        cache: where fetched jars are kept.
        environ: the environment in which Java is found and the servers run.
        partitions: of each topic keyed by locality.
        kafka_port: preferred; another is taken when it is busy.
        postgres_port: preferred; another is taken when it is busy.
        heap_mb: Kafka's Java heap, MiB.
    """

    directory: Path
    cache: Path
    environ: Mapping[str, str]
    partitions: int = topics.PARTITIONS
    kafka_port: int = 9092
    postgres_port: int = 5432
    heap_mb: int = 512

    @property
    def state_file(self) -> Path:
        """Names the processes while they run."""
        return self.directory / "stack.json"

    @property
    def passwords_file(self) -> Path:
        """Holds the passwords of the database's roles, readable by its owner alone."""
        return self.directory / "passwords.json"

    def up(self, say: Say = quiet) -> StackState:
        """Start what does not run yet and wait until everything answers.

        Raises:
            RunFault: Java is missing, a download failed, or a server does not start.
        """
        java = require_java(self.environ)
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            running = self.load()
            passwords = self._passwords()
            broker_place = self._kafka_place(running)
            server_place = self._postgres_place(running, broker_place)
            broker = running.kafka if running and running.kafka.find() else None
            server = running.postgres if running and running.postgres.find() else None
            if broker is None:
                kafka.jars(java, self.cache, say)
                say(f"starting Kafka on {broker_place.bootstrap}")
                broker = kafka.start(broker_place, java=java, cache=self.cache, environ=self.environ, say=say)
            try:
                if server is None:
                    say(f"starting PostgreSQL on {ports.LOOPBACK}:{server_place.port}")
                    server = postgres.start(server_place, passwords, self.environ)
                state = StackState(
                    kafka=broker,
                    kafka_port=broker_place.port,
                    controller_port=broker_place.controller_port,
                    postgres=server,
                    postgres_port=server_place.port,
                    passwords={ADMINISTRATOR: passwords.administrator, **passwords.roles},
                )
                _write_private(self.state_file, {"version": VERSION, **asdict(state)})
                postgres.await_ready(server, server_place, passwords)
                postgres.prepare(server_place, passwords)
                with psycopg.connect(state.dsn, autocommit=True) as connection:
                    database.prepare(connection)
                kafka.await_ready(broker, broker_place.bootstrap)
                created = topics.create({"bootstrap.servers": broker_place.bootstrap}, partitions=self.partitions)
            except BaseException:
                # Half a stack is of no use, and nobody else would stop it.
                self._stop(broker, server)
                raise
            if created:
                say(f"created topics {', '.join(created)}")
            return state

    def down(self, say: Say = quiet) -> bool:
        """Stop the processes that `up` started, and only those; False when none was running."""
        if not self.directory.is_dir():
            return False
        with self._locked():
            state = self.load()
            if state is None:
                return False
            say("stopping Kafka and PostgreSQL")
            return self._stop(state.kafka, state.postgres)

    def status(self) -> list[PartStatus]:
        """What was started and whether it answers; empty when nothing was."""
        state = self.load()
        if state is None:
            return []
        return [
            PartStatus(
                "Kafka",
                state.bootstrap,
                state.kafka.pid,
                kafka.answers({"bootstrap.servers": state.bootstrap}),
                state.kafka.log,
            ),
            PartStatus(
                "PostgreSQL",
                f"{ports.LOOPBACK}:{state.postgres_port}",
                state.postgres.pid,
                postgres.answers(state.dsn),
                state.postgres.log,
            ),
        ]

    def load(self) -> StackState | None:
        """The state that the last `up` left; None when the stack is down.

        Raises:
            RunFault: the state file is damaged or of another version.
        """
        try:
            text = self.state_file.read_text()
        except FileNotFoundError:
            return None
        remedy = "stop its processes by hand and remove the file"
        try:
            values: dict[str, Any] = json.loads(text)
            if values.pop("version") != VERSION:
                raise RunFault("the stack was started by another version of Gridwatch", str(self.state_file), remedy)
            values["kafka"] = Process(**values["kafka"])
            values["postgres"] = Process(**values["postgres"])
            return StackState(**values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunFault("the state file is damaged", str(self.state_file), remedy) from error

    def remove(self) -> None:
        """Delete the servers' data, logs and passwords; the stack must be down.

        Raises:
            RunFault: it is up.
        """
        if self.load() is not None:
            raise RunFault("the stack is up", str(self.directory), "stop it first (gridwatch down)")
        postgres.remove(self._postgres_place(None, self._kafka_place(None)))
        for part in ("kafka", "postgres"):
            shutil.rmtree(self.directory / part, ignore_errors=True)
            self._log(part).unlink(missing_ok=True)
        self.passwords_file.unlink(missing_ok=True)

    def _kafka_place(self, running: StackState | None) -> KafkaPlace:
        if running and running.kafka.find():
            port, controller_port = running.kafka_port, running.controller_port
        else:
            port = ports.choose(self.kafka_port)
            controller_port = ports.choose(self.kafka_port and port + 1, taken={port, self.postgres_port})
        return KafkaPlace(
            self.directory.absolute() / "kafka", self._log("kafka"), port, controller_port, heap_mb=self.heap_mb
        )

    def _postgres_place(self, running: StackState | None, broker: KafkaPlace) -> PostgresPlace:
        if running and running.postgres.find():
            port = running.postgres_port
        else:
            port = ports.choose(self.postgres_port, taken={broker.port, broker.controller_port})
        return PostgresPlace(self.directory.absolute() / "postgres", self._log("postgres"), port)

    def _log(self, name: str) -> Path:
        return self.directory.absolute() / "log" / f"{name}.log"

    def _passwords(self) -> Passwords:
        path = self.passwords_file
        if not path.exists():
            fresh = Passwords(secrets.token_urlsafe(24), {role: secrets.token_urlsafe(24) for role in ROLES})
            _write_private(path, asdict(fresh))
            return fresh
        try:
            return Passwords(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise RunFault("the passwords file is damaged", str(path), "remove the run directory") from error

    def _stop(self, broker: Process, server: Process | None) -> bool:
        stopped = kafka.stop(broker)
        if server is not None:
            stopped = postgres.stop(server) or stopped
        self.state_file.unlink(missing_ok=True)
        return stopped

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; the lock ends with the process that holds it."""
        with (self.directory / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def temporary_stack(
    cache: Path, environ: Mapping[str, str], partitions: int = topics.PARTITIONS
) -> Iterator[StackState]:
    """A stack of its own in a new directory, on free ports, gone without a trace afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="gridwatch-"))
    # An unprivileged PostgreSQL has to pass through.
    directory.chmod(0o711)
    stack = Stack(directory / "stack", cache, environ, partitions, kafka_port=0, postgres_port=0)
    try:
        yield stack.up()
    finally:
        stack.down()
        stack.remove()
        shutil.rmtree(directory, ignore_errors=True)


def _write_private(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON that only its owner may read; it appears whole."""
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file)
    draft.replace(path)
