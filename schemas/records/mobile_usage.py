"""What a mobile subscriber used in an interval: charging data records or the counters of a SIM platform, summed up."""

from schemas.types import Domain, Field, ListOf, Scalar, Schema, origin

_MANY = 2**53

MOBILE_USAGE = Schema(
    name="mobile_usage",
    domain=Domain.NETWORK,
    says="What one subscriber used in one interval.",
    locality="platform",
    identity=("imsi",),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "end of the interval"),
        Field(
            "platform",
            Scalar.STRING,
            "operator's core or SIM platform, or a fixed part of its subscribers; all records of one IMSI are in one",
            example="operator-1",
        ),
        Field("imsi", Scalar.STRING, "subscriber identity of the SIM, 6 to 15 digits", example="901700000000042"),
        Field("interval_s", Scalar.INT, "length of the interval", unit="s", low=1, high=86_400, example=300),
        Field("sms_out", Scalar.INT, "short messages sent", nullable=True, low=0, high=10**9, example=0),
        Field("calls_out", Scalar.INT, "calls begun", nullable=True, low=0, high=10**9, example=0),
        Field(
            "premium_numbers",
            Scalar.INT,
            "different premium-rate numbers called or written to",
            nullable=True,
            low=0,
            high=10**9,
            example=0,
        ),
        Field("bytes_up", Scalar.LONG, "data sent", unit="B", nullable=True, low=0, high=_MANY, example=18_400),
        Field("bytes_down", Scalar.LONG, "data received", unit="B", nullable=True, low=0, high=_MANY, example=6_200),
        Field("dns_queries", Scalar.INT, "DNS queries", nullable=True, low=0, high=10**9, example=2),
        Field("dns_nxdomain", Scalar.INT, "of them answered by NXDOMAIN", nullable=True, low=0, high=10**9, example=0),
        Field(
            "destinations",
            ListOf(Scalar.STRING),
            "addresses that data went to",
            nullable=True,
            example=("198.51.100.10",),
        ),
        Field("apn", Scalar.STRING, "access point name", nullable=True, example="meters.utility"),
        Field(
            "fixed",
            Scalar.BOOL,
            "True where the SIM belongs to an asset that stays at its place with its modem, e.g. a meter",
            nullable=True,
            example=True,
        ),
        *origin(),
    ),
)
