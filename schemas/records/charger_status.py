"""A status notification of a charging station, from the log of its back-end."""

from schemas.types import Domain, Field, Scalar, Schema, origin

CHARGER_STATUS = Schema(
    name="charger_status",
    domain=Domain.METER,
    says="One StatusNotification (OCPP 1.6, section 4.9) of one connector, or the power with it.",
    locality="fleet",
    identity=("charger", "connector", "status"),
    fields=(
        Field("time", Scalar.TIME, "when the charger saw it"),
        Field("fleet", Scalar.STRING, "charging back-end"),
        Field("charger", Scalar.STRING, "charging station"),
        Field("connector", Scalar.INT, "connector; 0 is the station itself", nullable=True, low=0, high=65_535),
        Field(
            "status",
            Scalar.STRING,
            "ChargePointStatus",
            one_of=(
                "available",
                "preparing",
                "charging",
                "suspended_evse",
                "suspended_ev",
                "finishing",
                "reserved",
                "unavailable",
                "faulted",
            ),
        ),
        Field("error", Scalar.STRING, "ChargePointErrorCode", nullable=True),
        Field(
            "power_kw",
            Scalar.DOUBLE,
            "power drawn; feeding in is negative",
            unit="kW",
            nullable=True,
            low=-1e6,
            high=1e6,
        ),
        *origin(),
    ),
)
