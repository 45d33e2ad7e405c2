"""A command to a distributed resource: inverter, battery, charger, capacitor bank or tap changer."""

from schemas.types import Domain, Field, Scalar, Schema, origin

DER_COMMAND = Schema(
    name="der_command",
    domain=Domain.METER,
    says="One command of an aggregator, a charging back-end (OCPP) or a volt/var control to one device.",
    locality="fleet",
    identity=("source", "device", "command"),
    fields=(
        Field("time", Scalar.TIME, "when it was sent"),
        Field("fleet", Scalar.STRING, "fleet, charging back-end or feeder that the device belongs to"),
        Field("source", Scalar.STRING, "account or host that gave it"),
        Field("device", Scalar.STRING, "device addressed"),
        Field(
            "command",
            Scalar.STRING,
            "what the device is told; start, stop, profile, availability and reset are OCPP's RemoteStartTransaction, "
            "RemoteStopTransaction, SetChargingProfile, ChangeAvailability and Reset",
            one_of=(
                "setpoint",
                "start",
                "stop",
                "profile",
                "availability",
                "reset",
                "connect",
                "disconnect",
                "close",
                "open",
                "raise",
                "lower",
            ),
        ),
        Field(
            "setpoint_kw",
            Scalar.DOUBLE,
            "power or limit that is set; feeding in is negative",
            unit="kW",
            nullable=True,
            low=-1e9,
            high=1e9,
        ),
        Field("event", Scalar.STRING, "market event or order that justifies it", nullable=True),
        Field(
            "result", Scalar.STRING, "what came of it", nullable=True, one_of=("accepted", "done", "failed", "refused")
        ),
        *origin(),
    ),
)
