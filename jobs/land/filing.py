"""Filing: the Parquet lake as a copy of what PostgreSQL has landed (steps 2 and 3 of the protocol)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa

from jobs import lake
from jobs.land.store import LakeFile, Store
from schemas.errors import RunFault
from schemas.project.arrow import to_arrow
from schemas.records import ALERT, DEADLETTER

#: Rows of a file at most; at some KiB an alert this is some MiB, and under a second of work.
FILE_ROWS: Final = 10_000
#: Rows in memory at once: one row group.
GROUP_ROWS: Final = 2_000

#: Directory of a record type below the lake.
_DIRECTORY: Final = {ALERT.name: "alerts", DEADLETTER.name: "deadletters"}

#: Names the database that this lake is a copy of.
MARK: Final = "_ledger"


class Filing:
    """Writes the files of the ledger into a lake.

    Args:
        root: the lake.
        ledger: identity of the lake, from the database.
    """

    def __init__(self, root: Path, ledger: str) -> None:
        self._root = root
        self._ledger = ledger

    def start(self, store: Store, rebuild: bool = False) -> None:
        """Make sure that lake and database belong together, and tidy up after a kill.

        Args:
            rebuild: write every file of the ledger anew.

        Raises:
            RunFault: the lake is a copy of another database, or its files are gone, or it cannot be written.
        """
        mark = self._root / _DIRECTORY[ALERT.name] / MARK
        try:
            found = mark.read_text(encoding="utf-8").strip() if mark.exists() else None
            if found not in (None, self._ledger):
                raise RunFault(
                    "this lake is a copy of another database: alerts would stand in it twice",
                    str(mark.parent),
                    "name another lake, or move this one away and start with --rebuild",
                )
            if found is None and store.files_written() and not rebuild:
                raise RunFault(
                    "this database was landed into another lake, which is not here",
                    str(mark.parent),
                    "name that lake, or start with --rebuild to write all files from the database",
                )
            if rebuild:
                store.mark_unwritten()
            lake.write_text(mark, self._ledger + "\n")
            for directory in _DIRECTORY.values():
                lake.remove_hidden(self._root / directory)
        except OSError as error:
            raise self._unwritable(error) from error

    def path(self, file: LakeFile) -> Path:
        """Where a file stands: its name is fixed with the plan, so writing it again replaces it."""
        place = {"date": file.day.isoformat()}
        if file.domain is not None:
            place = {"domain": file.domain, **place}
        return (
            self._root
            / _DIRECTORY[file.schema.name]
            / lake.partition(**place)
            / f"part-{self._ledger}-{file.number:08d}.parquet"
        )

    def roll(self, store: Store) -> int:
        """Plan at most one more file a domain and day, and write what is planned; returns the files written.

        Raises:
            RunFault: the lake cannot be written.
            psycopg.OperationalError: PostgreSQL is lost; call again on a new connection.
        """
        for schema in (ALERT, DEADLETTER):
            store.plan(schema, FILE_ROWS)
        return self.write(store)

    def write(self, store: Store) -> int:
        """Write what is planned; returns the files written. Raises as `roll`."""
        files = store.unwritten()
        for file in files:
            schema = to_arrow(file.schema)
            try:
                lake.write_parquet(self.path(file), schema, _tables(store, file, schema))
            except OSError as error:
                raise self._unwritable(error) from error
            store.mark_written(file)
        return len(files)

    def _unwritable(self, error: OSError) -> RunFault:
        return RunFault(
            f"the lake cannot be written: {error.strerror or error}",
            str(error.filename or self._root),
            "free the disk or correct the rights, then start again",
        )


def _tables(store: Store, file: LakeFile, schema: pa.Schema) -> Iterator[pa.Table]:
    for rows in store.content(file, GROUP_ROWS):
        yield lake.table_of(rows, schema)
