"""A command that an operator sends to a meter through the AMI head-end, from the head-end's audit log."""

from schemas.types import Domain, Field, Scalar, Schema, origin

HEADEND_COMMAND = Schema(
    name="headend_command",
    domain=Domain.METER,
    says="One command of a head-end to one meter.",
    locality="headend",
    identity=("meter", "command", "operator"),
    version=2,
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when the head-end issued the command"),
        Field("headend", Scalar.STRING, "head-end system that issued it"),
        Field("operator", Scalar.STRING, "account of the operator or service"),
        Field("host", Scalar.STRING, "host the operator's session came from"),
        Field("meter", Scalar.STRING, "meter addressed"),
        Field("feeder", Scalar.STRING, "feeder of that meter", nullable=True),
        Field(
            "command",
            Scalar.STRING,
            "what the meter is told to do",
            one_of=("connect", "disconnect", "limit", "read", "configure", "firmware", "clear_log"),
        ),
        Field("work_order", Scalar.STRING, "work order that justifies the command", nullable=True),
        Field(
            "result", Scalar.STRING, "what came of it", nullable=True, one_of=("accepted", "done", "failed", "refused")
        ),
        Field(
            "class_id", Scalar.INT, "COSEM class of the object written, e.g. 8 clock", nullable=True, low=0, high=65_535
        ),
        Field("obis", Scalar.STRING, "object written, e.g. 0.0.1.0.0.255", nullable=True),
        Field("old_value", Scalar.DOUBLE, "number there before: seconds of a clock, watts of a limit", nullable=True),
        Field("new_value", Scalar.DOUBLE, "number there now, in the same unit", nullable=True),
        *origin(),
    ),
)
