"""Publishing as JSON lines: for a look at what a source reads, and for tests; no broker is needed."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from ingest.publisher import Counts
from ingest.source import Refused, deadletter
from schemas.errors import RunFault
from schemas.records.deadletter import DEADLETTER
from schemas.types import Scalar, Schema
from schemas.wire import encode


class LinesPublisher:
    """Writes each record as one JSON object with its type under `record`; times as ISO 8601, bytes as base64.

    Args:
        out: where to.
        clock: microseconds since 1970; dates dead letters whose input carries no time.
    """

    def __init__(self, out: TextIO, clock: Callable[[], int]) -> None:
        self._out = out
        self._clock = clock
        self._counts = Counts()

    @property
    def counts(self) -> Counts:
        """What was written and refused until now."""
        return self._counts

    def announce(self, schema: Schema) -> None:
        """Nothing to do: every line names its type."""

    def publish(self, schema: Schema, fields: Mapping[str, Any]) -> None:
        """Write one record.

        Raises:
            ValueError: the fields do not fit the schema; nothing was written.
            RunFault: the reader of the lines is gone.
        """
        encode(schema, fields)
        self._write(schema, fields)
        self._counts.published += 1

    def refuse(self, refused: Refused, stage: str) -> None:
        """Write one dead letter.

        Raises:
            RunFault: the reader of the lines is gone.
        """
        self._write(DEADLETTER, deadletter(refused, stage, self._clock()))
        self._counts.refused[refused.reason] += 1

    def flush(self) -> None:
        """Hand all lines over.

        Raises:
            RunFault: the reader of the lines is gone.
        """
        try:
            self._out.flush()
        except OSError as wrong:
            raise _gone(wrong) from wrong

    def _write(self, schema: Schema, fields: Mapping[str, Any]) -> None:
        line = {"record": schema.name, **{name: _plain(schema, name, value) for name, value in fields.items()}}
        try:
            self._out.write(json.dumps(line) + "\n")
        except OSError as wrong:
            raise _gone(wrong) from wrong
        self._counts.delivered += 1


def _gone(wrong: OSError) -> RunFault:
    return RunFault(f"the lines cannot be written: {wrong.strerror}", "standard output", "keep its reader running")


def _plain(schema: Schema, name: str, value: Any) -> Any:
    if value is None:
        return None
    kind = schema[name].type
    if kind is Scalar.TIME:
        time = value if isinstance(value, datetime) else datetime.fromtimestamp(value / 1e6, UTC)
        return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return base64.b64encode(value).decode() if kind is Scalar.BYTES else value
