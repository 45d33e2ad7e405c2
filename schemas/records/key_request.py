"""A request for a content key, from the log of a key server (conditional access or rights management)."""

from schemas.types import Domain, Field, Scalar, Schema, origin

KEY_REQUEST = Schema(
    name="key_request",
    domain=Domain.NETWORK,
    says="One request of one device for the key of one service.",
    locality="key_server",
    identity=("account", "device", "service"),
    remembered_s=2 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it came"),
        Field(
            "key_server", Scalar.STRING, "key server, or the cluster that serves one set of accounts", example="ks-1"
        ),
        Field("account", Scalar.STRING, "subscriber's account", example="a-4711"),
        Field("device", Scalar.STRING, "set-top box or player", example="stb-00a1"),
        Field("client", Scalar.STRING, "IP address that the request came from", example="198.51.100.23"),
        Field("service", Scalar.STRING, "channel or title whose key is asked for", example="sport-2"),
        Field("result", Scalar.STRING, "what came of it", one_of=("granted", "denied", "error")),
        Field(
            "latitude",
            Scalar.DOUBLE,
            "WGS 84 latitude of the client, by its address",
            unit="deg",
            nullable=True,
            low=-90,
            high=90,
            example=48.1,
        ),
        Field(
            "longitude",
            Scalar.DOUBLE,
            "WGS 84 longitude of the client, by its address",
            unit="deg",
            nullable=True,
            low=-180,
            high=180,
            example=11.6,
        ),
        *origin(),
    ),
)
