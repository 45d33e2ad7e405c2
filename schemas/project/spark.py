"""Schema -> Spark."""

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from schemas.types import ListOf, Scalar, Schema, Type

_SPARK: dict[Scalar, DataType] = {
    Scalar.STRING: StringType(),
    Scalar.INT: IntegerType(),
    Scalar.LONG: LongType(),
    Scalar.DOUBLE: DoubleType(),
    Scalar.BOOL: BooleanType(),
    Scalar.BYTES: BinaryType(),
    Scalar.TIME: TimestampType(),
}


def spark_type(of: Type) -> DataType:
    """The Spark type of a field type."""
    if isinstance(of, ListOf):
        return ArrayType(_SPARK[of.item], containsNull=False)
    return _SPARK[of]


def to_spark(schema: Schema) -> StructType:
    """The Spark schema, nullability kept, the meaning as the column comment."""
    return StructType([StructField(f.name, spark_type(f.type), f.nullable, {"comment": f.says}) for f in schema.fields])
