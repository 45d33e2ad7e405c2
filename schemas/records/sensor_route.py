"""The route of a sensor node, from the reports that a border router or a mesh management system gathers (RFC 6550)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

SENSOR_ROUTE = Schema(
    name="sensor_route",
    domain=Domain.NETWORK,
    says="One report of the route that one node of a sensor network uses: its parent and how far from the root it says to be.",
    locality="network",
    identity=("node", "parent"),
    remembered_s=7 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "time of the report"),
        Field("network", Scalar.STRING, "sensor network: the PAN or DODAG of one border router", example="pan-17"),
        Field("node", Scalar.STRING, "node that reports", example="n42"),
        Field("parent", Scalar.STRING, "its preferred parent; absent for the root", nullable=True, example="n7"),
        Field(
            "rank",
            Scalar.INT,
            "rank that it advertises (RFC 6550 section 3.5; the root has MinHopRankIncrease, 256 by default)",
            nullable=True,
            low=0,
            high=65_535,
            example=768,
        ),
        Field("hops", Scalar.INT, "hops to the root", nullable=True, low=0, high=255, example=2),
        Field(
            "etx",
            Scalar.DOUBLE,
            "expected transmissions of a frame to the parent (RFC 6551), 1 is a perfect link",
            nullable=True,
            low=1,
            high=512,
            example=1.2,
        ),
        Field(
            "rssi_dbm",
            Scalar.DOUBLE,
            "signal strength of the parent at the node",
            unit="dBm",
            nullable=True,
            low=-150,
            high=30,
            example=-71,
        ),
        *origin(),
    ),
)
