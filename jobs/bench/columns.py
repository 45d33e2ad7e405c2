"""Many records of one type -> wire messages at once: Avro by columns, for filling topics fast."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.types import Field, ListOf, Scalar, Schema
from schemas.wire import MARKER, fingerprint

Bytes = npt.NDArray[np.uint8]


def encode_columns(schema: Schema, columns: Mapping[str, npt.NDArray[Any]]) -> list[bytes]:
    """Encode records, to the byte as `schemas.wire.encode` does each of them.

    Args:
        schema: their type.
        columns: field -> values, all of one length: float64, int64 (times in microseconds) or fixed-width bytes (`S`)
            without padding. A nullable field that is absent is null in all of them.

    Raises:
        ValueError: a required field is absent, a type has no columns here, or a field's values differ in encoded width.
    """
    unknown = sorted(set(columns) - set(schema.names))
    if unknown:
        raise ValueError(f"{schema.name} has no field {unknown[0]}")
    count = len(next(iter(columns.values())))
    parts = [_same(MARKER + fingerprint(schema), count)]
    for field in schema.fields:
        parts += _field(schema, field, columns.get(field.name), count)
    matrix = np.concatenate(parts, axis=1)
    width, content = matrix.shape[1], matrix.tobytes()
    return [content[at : at + width] for at in range(0, len(content), width)]


def _field(schema: Schema, field: Field, values: npt.NDArray[Any] | None, count: int) -> list[Bytes]:
    if values is None:
        if not field.nullable:
            raise ValueError(f"{schema.name}.{field.name} is required")
        return [_same(b"\x00", count)]
    branch = [_same(b"\x02", count)] if field.nullable else []
    match field.type:
        case Scalar.DOUBLE:
            return [*branch, np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(count, 8)]
        case Scalar.INT | Scalar.LONG | Scalar.TIME:
            return [*branch, _varints(f"{schema.name}.{field.name}", values.astype(np.int64))]
        case Scalar.STRING | Scalar.BYTES:
            width = values.dtype.itemsize
            if values.dtype.kind != "S" or (np.char.str_len(values) != width).any():
                raise ValueError(f"{schema.name}.{field.name}: the values differ in width")
            text = np.ascontiguousarray(values).view(np.uint8).reshape(count, width)
            return [*branch, _varints(field.name, np.full(count, width)), text]
        case ListOf() | Scalar.BOOL:
            raise ValueError(f"{schema.name}.{field.name}: no columns of this type")


def _varints(name: str, values: npt.NDArray[np.int64]) -> Bytes:
    """Zig-zag variable-length integers (Avro specification, "Binary encoding"), all of one width."""
    zigzag = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    width = _width(int(zigzag.max(initial=0)))
    if width != _width(int(zigzag.min(initial=np.iinfo(np.uint64).max)) if len(zigzag) else 0):
        raise ValueError(f"{name}: the values differ in width")
    out = np.empty((len(values), width), dtype=np.uint8)
    for at in range(width):
        out[:, at] = ((zigzag >> np.uint64(7 * at)) & np.uint64(0x7F)).astype(np.uint8)
    out[:, : width - 1] |= 0x80
    return out


def _width(zigzag: int) -> int:
    return max(1, -(-zigzag.bit_length() // 7))


def _same(content: bytes, count: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(content, dtype=np.uint8), (count, len(content)))
