"""From decoded records to rows: what PostgreSQL and the lake cannot hold is refused or made harmless here."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from schemas.records import ALERT
from schemas.records.deadletter import KEPT_BYTES
from schemas.types import Domain, Schema
from schemas.wire import Undecodable

#: Longest alert id (characters); ours have 32.
MAX_ID: Final = 128

#: Reason of a well-formed record whose values break the contract.
BREAKS_SCHEMA: Final = "breaks schema"

_DOMAINS: Final = frozenset(domain.value for domain in Domain)


def row_of(schema: Schema, record: Mapping[str, Any], position: str) -> tuple[str, tuple[Any, ...]]:
    """The identity and the values, in the order of the schema, of a record's row.

    Args:
        schema: ALERT or DEADLETTER.
        record: decoded.
        position: topic, partition and offset of the message, as text.

    Raises:
        Undecodable: the values break the contract.
    """
    if schema is ALERT:
        if not 0 < len(record["alert_id"]) <= MAX_ID:
            raise Undecodable(BREAKS_SCHEMA, f"alert_id has {len(record['alert_id'])} characters, 1 to {MAX_ID} may be")
        if record["domain"] not in _DOMAINS:
            raise Undecodable(BREAKS_SCHEMA, f"domain {record['domain'][:80]!r} is not one of {sorted(_DOMAINS)}")
        identity = record["alert_id"]
    else:
        identity = _deadletter_id(record, position)
    return identity, tuple(_storable(record.get(name)) for name in schema.names)


def _deadletter_id(record: Mapping[str, Any], position: str) -> str:
    """Where the refused record stands: its offset, or its place in a file; failing both, where its dead letter stands.

    Several things may be wrong in one frame: there the reason and the bytes belong to the identity.
    """
    if record["topic"] is not None and record["offset"] is not None:
        parts = ["broker", record["topic"], record["partition"], record["offset"]]
    elif record["capture"] is not None and record["frame"] is not None:
        content = record["content"][:KEPT_BYTES].hex()
        parts = ["file", record["capture"], record["frame"], record["reason"], record["detail"], content]
    else:
        parts = ["own", position]
    return hashlib.blake2b(repr(parts).encode(errors="backslashreplace"), digest_size=16).hexdigest()


def _storable(value: Any) -> Any:
    """PostgreSQL's text has no NUL: it becomes the replacement character, in both stores."""
    if isinstance(value, str):
        return value.replace("\0", "�") if "\0" in value else value
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value
