"""An alert: one firing of one detector. Names follow OCSF Detection Finding (class 2004) where it has them.

Alerts are a stream like any other: the detectors of `detectors/correlation` read it, and their alerts go back to it with the
domain `correlation`, by which they are told apart and not looked at again.
"""

from schemas.types import Domain, Field, ListOf, Scalar, Schema

ALERT = Schema(
    name="alert",
    domain=Domain.CORRELATION,
    says="One firing of one detector, with its evidence.",
    locality="site",
    identity=("alert_id",),
    version=2,
    remembered_s=3 * 86_400.0,
    across=True,
    fields=(
        Field(
            "alert_id",
            Scalar.STRING,
            "hash of detector, version, entity and the event that fired: a re-run gives the same",
        ),
        Field("time", Scalar.TIME, "event time of the record that crossed the threshold"),
        Field("detected", Scalar.TIME, "when the detector saw it (not part of the id)"),
        Field("detector", Scalar.STRING, "detector id, the name of its file"),
        Field("detector_version", Scalar.INT, "version of the detector"),
        Field("model_version", Scalar.STRING, "digest of the model that scored, for learned detectors", nullable=True),
        Field("threat", Scalar.STRING, "threat id of the catalogue, e.g. SG-17"),
        Field("technique", Scalar.STRING, "MITRE ATT&CK for ICS technique id, e.g. T0855"),
        Field("severity_id", Scalar.INT, "OCSF severity: 1 informational, 2 low, 3 medium, 4 high, 5 critical"),
        Field("confidence_id", Scalar.INT, "OCSF confidence: 1 low, 2 medium, 3 high"),
        Field("domain", Scalar.STRING, "meter, substation, vehicle, network, or correlation: found in alerts"),
        Field("record", Scalar.STRING, "record type that fired"),
        Field("site", Scalar.STRING, "locality of the record: site, transformer, head-end, receiver or vehicle"),
        Field("entity_kind", Scalar.STRING, "kind of the asset, e.g. meter, server, station"),
        Field("entity", Scalar.STRING, "the asset concerned"),
        Field("source", Scalar.STRING, "who acted, where the record tells", nullable=True),
        Field("destination", Scalar.STRING, "on whom, where the record tells", nullable=True),
        Field("first_time", Scalar.TIME, "event time of the first record of the evidence"),
        Field("last_time", Scalar.TIME, "event time of the last record of the evidence"),
        Field("title", Scalar.STRING, "one sentence for the operator"),
        Field("observed", Scalar.STRING, "what was observed, with numbers and units"),
        Field("expected", Scalar.STRING, "what was expected, with numbers and units"),
        Field("dedup", Scalar.STRING, "key under which alerts are one incident"),
        Field("runbook", ListOf(Scalar.STRING), "what to do, step by step"),
        Field("topic", Scalar.STRING, "topic of the evidence", nullable=True),
        Field("partition", Scalar.INT, "partition of the evidence", nullable=True),
        Field("offsets", ListOf(Scalar.LONG), "offsets of the evidence", nullable=True),
        Field("capture", Scalar.STRING, "file of the evidence", nullable=True),
        Field("frames", ListOf(Scalar.LONG), "frame or line numbers of the evidence in that file", nullable=True),
        Field(
            "evidence", ListOf(Scalar.STRING), "the records themselves as JSON, the deciding one last, a few at most"
        ),
        Field(
            "related",
            ListOf(Scalar.STRING),
            "ids of the alerts in which a correlation was found, the deciding one last",
            nullable=True,
        ),
        Field(
            "storm",
            Scalar.STRING,
            "id of the alert that tells of the storm this one was collapsed into; its own where it is the one that tells",
            nullable=True,
        ),
        Field(
            "suppression",
            Scalar.STRING,
            "id of the suppression that hides it from incidents; set where it lands",
            nullable=True,
        ),
    ),
)
