"""Schema -> Arrow."""

from functools import cache

import pyarrow as pa

from schemas.types import ListOf, Scalar, Schema, Type

_ARROW: dict[Scalar, pa.DataType] = {
    Scalar.STRING: pa.string(),
    Scalar.INT: pa.int32(),
    Scalar.LONG: pa.int64(),
    Scalar.DOUBLE: pa.float64(),
    Scalar.BOOL: pa.bool_(),
    Scalar.BYTES: pa.binary(),
    Scalar.TIME: pa.timestamp("us", tz="UTC"),
}


def arrow_type(of: Type) -> pa.DataType:
    """The Arrow type of a field type."""
    if isinstance(of, ListOf):
        return pa.list_(pa.field("element", _ARROW[of.item], nullable=False))
    return _ARROW[of]


@cache
def to_arrow(schema: Schema) -> pa.Schema:
    """The Arrow schema: nullability kept, meaning and unit as field metadata."""
    return pa.schema(
        [
            pa.field(f.name, arrow_type(f.type), nullable=f.nullable, metadata={"says": f.says, "unit": f.unit})
            for f in schema.fields
        ],
        metadata={"record": schema.name, "version": str(schema.version)},
    )
