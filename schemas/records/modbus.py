"""A Modbus/TCP transaction: request and response joined (Modbus Application Protocol V1.1b3; MBAP in the TCP guide)."""

from schemas.types import Domain, Field, ListOf, Scalar, Schema, origin

MODBUS = Schema(
    name="modbus",
    domain=Domain.SUBSTATION,
    says="One request with its response; either side alone where the other never came.",
    locality="site",
    identity=("client", "server", "transaction", "unit", "function", "frames"),
    fields=(
        Field("time", Scalar.TIME, "time of the request, or of the response where there was no request"),
        Field("site", Scalar.STRING, "substation the tap or poller stands in"),
        Field("client", Scalar.STRING, "address of the client (master)"),
        Field("client_port", Scalar.INT, "TCP port of the client"),
        Field("server", Scalar.STRING, "address of the server (outstation)"),
        Field("server_port", Scalar.INT, "TCP port of the server"),
        Field("transaction", Scalar.INT, "MBAP transaction identifier"),
        Field("unit", Scalar.INT, "unit identifier"),
        Field("function", Scalar.INT, "function code without the exception bit"),
        Field("subfunction", Scalar.INT, "sub-function of function 8 (diagnostics)", nullable=True),
        Field("mei_type", Scalar.INT, "MEI type of function 43", nullable=True),
        Field("address", Scalar.INT, "first coil or register address, counted from 0", nullable=True),
        Field("quantity", Scalar.INT, "number of coils or registers", nullable=True),
        Field(
            "request_values",
            ListOf(Scalar.INT),
            "values in the request (writes), register or 0/1 coil values",
            nullable=True,
        ),
        Field("response_values", ListOf(Scalar.INT), "values in the response (reads)", nullable=True),
        Field("write_address", Scalar.INT, "write start address of function 23", nullable=True),
        Field("and_mask", Scalar.INT, "AND mask of function 22", nullable=True),
        Field("or_mask", Scalar.INT, "OR mask of function 22", nullable=True),
        Field("exception", Scalar.INT, "exception code of the response", nullable=True),
        Field("latency_ms", Scalar.DOUBLE, "time from request to response", unit="ms", nullable=True),
        Field("requested", Scalar.BOOL, "True where a request was seen"),
        Field("responded", Scalar.BOOL, "True where a response was seen"),
        *origin(),
    ),
)
