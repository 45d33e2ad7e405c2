"""An IGMP message as an access switch saw it (RFC 2236, RFC 3376), from its snooping log or a tap."""

from schemas.types import Domain, Field, Scalar, Schema, origin

IGMP = Schema(
    name="igmp",
    domain=Domain.NETWORK,
    says="One IGMP message (or one group record of an IGMPv3 report) that came in at a port of an access switch.",
    locality="switch",
    identity=("port", "source", "type", "group"),
    remembered_s=6 * 3600.0,  # groups and ports may be made up: what is not heard of is forgotten soon
    fields=(
        Field("time", Scalar.TIME, "when it came in"),
        Field("switch", Scalar.STRING, "access switch", example="acc-3"),
        Field("port", Scalar.STRING, "port at which it came in", example="ge-0/0/7"),
        Field("vlan", Scalar.INT, "VLAN identifier", nullable=True, low=0, high=4095, example=40),
        Field("source", Scalar.STRING, "IP address of the sender", example="10.40.0.17"),
        Field(
            "type",
            Scalar.STRING,
            "general query; query of one group (and sources); report: joins or keeps; leave: leaves or blocks",
            one_of=("general_query", "group_query", "report", "leave"),
            example="report",
        ),
        Field("group", Scalar.STRING, "group address; absent in a general query", nullable=True, example="239.1.1.5"),
        Field(
            "max_response_s",
            Scalar.DOUBLE,
            "maximum response time of a query; 0 in IGMPv1",
            unit="s",
            nullable=True,
            low=0,
            high=3175,
            example=10,
        ),
        Field("version", Scalar.INT, "version of IGMP", nullable=True, low=1, high=3, example=3),
        *origin(),
    ),
)
