"""A reading of an electricity meter, as a head-end hands it on (registers as DLMS/COSEM OBIS 1.0.1.8.0 and kin)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

METER_READING = Schema(
    name="meter_reading",
    domain=Domain.METER,
    says="One interval of one meter: energy register, interval energy and the electrical values at its end.",
    locality="transformer",
    identity=("meter", "register_kwh"),
    fields=(
        Field("time", Scalar.TIME, "end of the interval by the meter's clock"),
        Field("meter", Scalar.STRING, "meter identifier"),
        Field("transformer", Scalar.STRING, "distribution transformer that feeds the meter"),
        Field("register_kwh", Scalar.DOUBLE, "cumulative import register (OBIS 1.0.1.8.0)", unit="kWh"),
        Field("interval_kwh", Scalar.DOUBLE, "energy of the interval that ends here", unit="kWh", nullable=True),
        Field("interval_s", Scalar.INT, "length of the interval", unit="s", nullable=True),
        Field("voltage_v", Scalar.DOUBLE, "RMS voltage, mean of the phases", unit="V", nullable=True),
        Field("current_a", Scalar.DOUBLE, "RMS current, sum of the phases", unit="A", nullable=True),
        Field("power_factor", Scalar.DOUBLE, "power factor, 0 to 1", nullable=True),
        Field("frequency_hz", Scalar.DOUBLE, "mains frequency", unit="Hz", nullable=True),
        Field(
            "status", Scalar.INT, "status word of the profile entry (OBIS 0.0.96.10.1), bits by profile", nullable=True
        ),
        *origin(),
    ),
)
