"""A flow that a home gateway counted: one device of the home and one other end."""

from schemas.records.home_event import DEVICE_KINDS
from schemas.types import Domain, Field, Scalar, Schema, origin

HOME_FLOW = Schema(
    name="home_flow",
    domain=Domain.NETWORK,
    says="One finished flow (or interval of a long one) between a device of a home and one peer.",
    locality="home",
    identity=("device", "peer", "port", "direction"),
    remembered_s=15 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the flow began"),
        Field("home", Scalar.STRING, "home: its gateway", example="home-0815"),
        Field(
            "device",
            Scalar.STRING,
            "device of the home: its MAC address where the gateway knows it, so that a new lease is no new device",
            example="02:00:5e:10:00:01",
        ),
        Field(
            "device_kind", Scalar.STRING, "what the device is", nullable=True, one_of=DEVICE_KINDS, example="inverter"
        ),
        Field(
            "direction",
            Scalar.STRING,
            "outbound: the device opened it to the outside; inbound: the outside to the device; internal: to another device",
            one_of=("outbound", "inbound", "internal"),
        ),
        Field("peer", Scalar.STRING, "address of the other end", example="203.0.113.7"),
        Field(
            "peer_name",
            Scalar.STRING,
            "name that the device had looked up for that address",
            nullable=True,
            example="broker.vendor.example",
        ),
        Field(
            "port",
            Scalar.INT,
            "port of the side that was called; absent for protocols without ports",
            nullable=True,
            low=0,
            high=65_535,
            example=8883,
        ),
        Field("protocol", Scalar.STRING, "transport", one_of=("tcp", "udp", "icmp", "other")),
        Field("bytes_out", Scalar.LONG, "sent by the device", unit="B", nullable=True, low=0, high=2**53, example=5120),
        Field("bytes_in", Scalar.LONG, "sent to the device", unit="B", nullable=True, low=0, high=2**53, example=890),
        Field("packets", Scalar.LONG, "packets of both directions", nullable=True, low=0, high=2**53, example=24),
        *origin(),
    ),
)
