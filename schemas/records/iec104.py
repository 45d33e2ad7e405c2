"""An IEC 60870-5-104 APDU, one record per information object (IEC 60870-5-101/-104 terms)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

IEC104 = Schema(
    name="iec104",
    domain=Domain.SUBSTATION,
    says="One information object of an I-format APDU, or one S- or U-format APDU.",
    locality="site",
    identity=("source", "destination", "format", "send_number", "type_id", "object_address", "frames"),
    fields=(
        Field("time", Scalar.TIME, "when the APDU was seen"),
        Field("site", Scalar.STRING, "substation the tap stands in"),
        Field("source", Scalar.STRING, "address of the sender"),
        Field("source_port", Scalar.INT, "TCP port of the sender"),
        Field("destination", Scalar.STRING, "address of the receiver"),
        Field("destination_port", Scalar.INT, "TCP port of the receiver"),
        Field("format", Scalar.STRING, "I, S or U"),
        Field(
            "control",
            Scalar.STRING,
            "U-format function: STARTDT act, STARTDT con, STOPDT act, ..., TESTFR con",
            nullable=True,
        ),
        Field("send_number", Scalar.INT, "N(S), modulo 32768", nullable=True),
        Field("receive_number", Scalar.INT, "N(R), modulo 32768", nullable=True),
        Field("type_id", Scalar.INT, "type identification", nullable=True),
        Field("cause", Scalar.INT, "cause of transmission, 0 to 63", nullable=True),
        Field("negative", Scalar.BOOL, "P/N bit: True is a negative confirmation", nullable=True),
        Field("test", Scalar.BOOL, "test bit", nullable=True),
        Field("originator", Scalar.INT, "originator address", nullable=True),
        Field("common_address", Scalar.INT, "common address of the ASDU", nullable=True),
        Field("object_address", Scalar.INT, "information object address", nullable=True),
        Field("value", Scalar.DOUBLE, "value of the object: state, measured value or set-point", nullable=True),
        Field("select", Scalar.BOOL, "S/E bit of a command: True is select, False execute", nullable=True),
        Field("qualifier", Scalar.INT, "qualifier of a command or interrogation", nullable=True),
        Field(
            "quality",
            Scalar.STRING,
            "quality bits set, of OV BL SB NT IV, joined by a space; empty is good",
            nullable=True,
        ),
        Field("time_tag", Scalar.TIME, "time tag of the object (CP56Time2a)", nullable=True),
        *origin(),
    ),
)
