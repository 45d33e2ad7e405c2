"""What Spark's checkpoint of a query says: whose it is, which batch comes next, and where a batch ends.

Layout (Spark 4, `OffsetSeqLog` and `CommitLog`): `metadata` is JSON with the query's id; `offsets/N` appears before batch N
runs and `commits/N` after it; `offsets/N` holds a version, a line of metadata and a line a source, for Kafka
`{topic: {partition: offset}}`.
"""

import json
from typing import Any

import pyarrow.fs as pafs

from jobs.state_store import open_filesystem
from schemas.errors import RunFault


class Checkpoint:
    """The checkpoint of one query.

    Args:
        uri: its folder; need not exist yet.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._fs, self._root = open_filesystem(uri)

    def query(self) -> str | None:
        """The query's id; None where it never started.

        Raises:
            RunFault: the file is damaged.
        """
        content = self._read("metadata")
        if content is None:
            return None
        try:
            return str(json.loads(content)["id"])
        except (ValueError, KeyError, TypeError) as wrong:
            raise self._damaged("metadata", wrong) from wrong

    def planned(self) -> int:
        """The last batch whose offsets are fixed; a start repeats it unless it is committed. -1 before the first."""
        return self._last("offsets")

    def committed(self) -> int:
        """The last batch that ended; -1 before the first."""
        return self._last("commits")

    def offsets(self, batch: int, topic: str) -> dict[int, int]:
        """Where a batch ends: the next offset of each partition of a topic; empty before the first.

        Raises:
            RunFault: the log of offsets is damaged.
        """
        content = self._read(f"offsets/{batch}")
        if content is None:
            return {}
        try:
            for line in content.decode().splitlines()[2:]:
                source: Any = json.loads(line)
                if isinstance(source, dict) and topic in source:
                    return {int(k): int(v) for k, v in source[topic].items()}
        except (ValueError, AttributeError, TypeError) as wrong:
            raise self._damaged(f"offsets/{batch}", wrong) from wrong
        return {}

    def _last(self, log: str) -> int:
        files = self._fs.get_file_info(pafs.FileSelector(f"{self._root}/{log}", allow_not_found=True))
        return max((int(f.base_name) for f in files if f.base_name.isdigit()), default=-1)

    def _read(self, path: str) -> bytes | None:
        full = f"{self._root}/{path}"
        if self._fs.get_file_info(full).type == pafs.FileType.NotFound:
            return None
        with self._fs.open_input_stream(full) as source:
            return bytes(source.read())

    def _damaged(self, path: str, wrong: Exception) -> RunFault:
        return RunFault(f"the checkpoint is damaged: {wrong}", f"{self.uri}/{path}", "restore the checkpoint folder")
