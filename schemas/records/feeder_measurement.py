"""A measurement at a distribution transformer: what flows to all of its customers together."""

from schemas.types import Domain, Field, Scalar, Schema, origin

FEEDER_MEASUREMENT = Schema(
    name="feeder_measurement",
    domain=Domain.METER,
    says="One interval of the meter at a transformer: energy to its customers and the electrical values at its end.",
    locality="transformer",
    identity=("transformer",),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "end of the interval"),
        Field(
            "transformer", Scalar.STRING, "distribution transformer that is measured, by the name that its meters give"
        ),
        Field("feeder", Scalar.STRING, "feeder of that transformer", nullable=True),
        Field(
            "energy_kwh", Scalar.DOUBLE, "energy of the interval towards the customers", unit="kWh", low=-1e9, high=1e9
        ),
        Field("interval_s", Scalar.INT, "length of the interval", unit="s", low=1, high=31 * 86_400),
        Field("power_kw", Scalar.DOUBLE, "active power at its end", unit="kW", nullable=True, low=-1e9, high=1e9),
        Field("voltage_v", Scalar.DOUBLE, "RMS voltage, mean of the phases", unit="V", nullable=True, low=0, high=1e6),
        *origin(),
    ),
)
