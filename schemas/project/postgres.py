"""Schema -> PostgreSQL column definitions."""

from schemas.types import ListOf, Scalar, Schema, Type

_POSTGRES: dict[Scalar, str] = {
    Scalar.STRING: "text",
    Scalar.INT: "integer",
    Scalar.LONG: "bigint",
    Scalar.DOUBLE: "double precision",
    Scalar.BOOL: "boolean",
    Scalar.BYTES: "bytea",
    Scalar.TIME: "timestamptz",
}


def postgres_type(of: Type) -> str:
    """The PostgreSQL type of a field type."""
    if isinstance(of, ListOf):
        return _POSTGRES[of.item] + "[]"
    return _POSTGRES[of]


def create_table(schema: Schema, primary_key: tuple[str, ...]) -> str:
    """`CREATE TABLE IF NOT EXISTS`, one column a field, with the meaning of each as a column comment."""
    lines = [f'  "{f.name}" {postgres_type(f.type)}{"" if f.nullable else " NOT NULL"}' for f in schema.fields]
    if primary_key:
        lines.append("  PRIMARY KEY (" + ", ".join(f'"{name}"' for name in primary_key) + ")")
    statements = [f'CREATE TABLE IF NOT EXISTS "{schema.name}" (\n' + ",\n".join(lines) + "\n)"]
    for f in schema.fields:
        says = (f"{f.says} [{f.unit}]" if f.unit else f.says).replace("'", "''")
        statements.append(f'COMMENT ON COLUMN "{schema.name}"."{f.name}" IS \'{says}\'')
    return ";\n".join(statements) + ";\n"
