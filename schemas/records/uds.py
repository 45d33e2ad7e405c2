"""A diagnostic request to a control unit and its answer (ISO 14229-1, unified diagnostic services)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

UDS = Schema(
    name="uds",
    domain=Domain.VEHICLE,
    says="One diagnostic request with its answer, as a diagnostic gateway logs it or a decoder of ISO 15765-2 puts it together.",
    locality="vehicle",
    identity=("tester", "ecu", "service", "identifier", "nrc"),
    remembered_s=30 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the answer came, or was given up"),
        Field("vehicle", Scalar.STRING, "vehicle that is diagnosed"),
        Field("channel", Scalar.STRING, "way in: bus, connector or radio, e.g. obd, telematics", nullable=True),
        Field(
            "tester", Scalar.STRING, "who asks: source address, certificate or account of the tester", example="0xF1"
        ),
        Field("ecu", Scalar.STRING, "control unit that is asked", example="0x10"),
        Field(
            "service", Scalar.INT, "service identifier of the request, e.g. 39 (0x27) SecurityAccess", low=0, high=255
        ),
        Field(
            "subfunction",
            Scalar.INT,
            "sub-function without the bit that suppresses the answer",
            nullable=True,
            low=0,
            high=127,
        ),
        Field("identifier", Scalar.INT, "data or routine identifier", nullable=True, low=0, high=65_535),
        Field(
            "nrc",
            Scalar.INT,
            "negative response code; absent after a positive answer or none",
            nullable=True,
            low=0,
            high=255,
        ),
        Field(
            "speed_ms",
            Scalar.DOUBLE,
            "speed of the vehicle at that time",
            unit="m/s",
            nullable=True,
            low=0.0,
            high=150.0,
        ),
        Field("ticket", Scalar.STRING, "order of the workshop under which the tester works", nullable=True),
        *origin(),
    ),
)
