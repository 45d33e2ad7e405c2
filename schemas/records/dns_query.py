"""A DNS query of a device, from the resolver of a home gateway or access network."""

from schemas.types import Domain, Field, Scalar, Schema, origin

DNS_QUERY = Schema(
    name="dns_query",
    domain=Domain.NETWORK,
    says="One question of one device of a home to its resolver, with the outcome.",
    locality="home",
    identity=("device", "name"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it was asked"),
        Field("home", Scalar.STRING, "home: its gateway", example="home-0815"),
        Field("device", Scalar.STRING, "device that asked: MAC address where it is known", example="02:00:5e:10:00:01"),
        Field("name", Scalar.STRING, "name that was asked for, without the last dot", example="time.vendor.example"),
        Field("type", Scalar.STRING, "record type that was asked for, e.g. AAAA", nullable=True, example="A"),
        Field(
            "result",
            Scalar.STRING,
            "response code (RFC 1035, RFC 6895) in words; timeout without an answer",
            one_of=("noerror", "nxdomain", "servfail", "refused", "timeout", "other"),
        ),
        *origin(),
    ),
)
