"""The contract: every record type, field by field, and its form on the wire."""
