"""The Kafka topics by name."""

from typing import Final

from schemas.types import TELEMETRY_DOMAINS, Domain, Schema

#: One topic a domain: all its record types, keyed by locality.
TELEMETRY: Final = tuple(domain.topic for domain in TELEMETRY_DOMAINS)

#: Alerts, those that are found in alerts among them.
ALERTS: Final = Domain.CORRELATION.topic

#: What did not decode or broke its schema, with the reason.
DEADLETTER: Final = "deadletter"

#: Incidents as they stand, for other systems: what `gridwatch outflow --kafka` writes, keyed by their id.
INCIDENTS: Final = "incidents"

#: Compacted: schema fingerprint (8 bytes) -> the Avro schema as JSON, announced by every publisher.
SCHEMAS: Final = "schemas"


def topic_of(schema: Schema) -> str:
    """The topic that carries a record type."""
    return {"alert": ALERTS, "deadletter": DEADLETTER}.get(schema.name) or schema.domain.topic
