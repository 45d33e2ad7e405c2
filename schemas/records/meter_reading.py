"""A reading of an electricity meter, as a head-end hands it on (registers as DLMS/COSEM OBIS 1.0.1.8.0 and kin)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

METER_READING = Schema(
    name="meter_reading",
    domain=Domain.METER,
    says="One interval of one meter: energy register, interval energy and the electrical values at its end.",
    locality="transformer",
    identity=("meter", "register_kwh"),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "end of the interval by the meter's clock"),
        Field("meter", Scalar.STRING, "meter identifier"),
        Field("transformer", Scalar.STRING, "distribution transformer that feeds the meter"),
        Field(
            "register_kwh", Scalar.DOUBLE, "cumulative import register (OBIS 1.0.1.8.0)", unit="kWh", low=-1e9, high=1e9
        ),
        Field(
            "interval_kwh",
            Scalar.DOUBLE,
            "energy of the interval that ends here",
            unit="kWh",
            nullable=True,
            low=-1e9,
            high=1e9,
        ),
        Field("interval_s", Scalar.INT, "length of the interval", unit="s", nullable=True, low=1, high=31 * 86_400),
        Field("voltage_v", Scalar.DOUBLE, "RMS voltage, mean of the phases", unit="V", nullable=True, low=0, high=1e6),
        Field(
            "current_a", Scalar.DOUBLE, "RMS current, sum of the phases", unit="A", nullable=True, low=-1e5, high=1e5
        ),
        Field("power_factor", Scalar.DOUBLE, "power factor, 0 to 1", nullable=True, low=0, high=1),
        Field("frequency_hz", Scalar.DOUBLE, "mains frequency", unit="Hz", nullable=True, low=0, high=1000),
        Field(
            "status",
            Scalar.INT,
            "status word of the profile entry (OBIS 0.0.96.10.1), bits by profile",
            nullable=True,
            low=0,
            high=2**31 - 1,
        ),
        *origin(),
    ),
)
