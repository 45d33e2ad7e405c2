"""A GOOSE message (IEC 61850-8-1, clause 18 and annex A)."""

from schemas.types import Domain, Field, ListOf, Scalar, Schema, origin

GOOSE = Schema(
    name="goose",
    domain=Domain.SUBSTATION,
    says="One published GOOSE message of one control block.",
    locality="site",
    identity=("control_block", "source_mac", "st_num", "sq_num", "frames"),
    fields=(
        Field("time", Scalar.TIME, "when the frame was seen"),
        Field("site", Scalar.STRING, "substation the tap stands in"),
        Field("source_mac", Scalar.STRING, "publisher MAC address, lower case with colons"),
        Field("destination_mac", Scalar.STRING, "destination multicast MAC address"),
        Field("vlan", Scalar.INT, "VLAN identifier", nullable=True),
        Field("appid", Scalar.INT, "application identifier"),
        Field("control_block", Scalar.STRING, "GOOSE control block reference (gocbRef)"),
        Field("dataset", Scalar.STRING, "data set reference (datSet)"),
        Field("go_id", Scalar.STRING, "GOOSE identifier (goID)", nullable=True),
        Field("state_time", Scalar.TIME, "time of the last state change (t)", nullable=True),
        Field("st_num", Scalar.LONG, "state number"),
        Field("sq_num", Scalar.LONG, "sequence number"),
        Field("conf_rev", Scalar.LONG, "configuration revision", nullable=True),
        Field("allowed_to_live_ms", Scalar.LONG, "timeAllowedtoLive", unit="ms", nullable=True),
        Field("simulation", Scalar.BOOL, "simulation (test) flag"),
        Field("needs_commissioning", Scalar.BOOL, "ndsCom flag"),
        Field("values", ListOf(Scalar.STRING), "data set values in order, as text", nullable=True),
        *origin(),
    ),
)
