"""A request to the back-end of a vehicle fleet: a remote command, a look at a vehicle's data, an export, a log-on."""

from schemas.types import Domain, Field, Scalar, Schema, origin

FLEET_REQUEST = Schema(
    name="fleet_request",
    domain=Domain.VEHICLE,
    says="One request of one account, as the audit log of the back-end's programming interface has it.",
    locality="backend",
    identity=("account", "host", "action", "vehicle"),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it came"),
        Field("backend", Scalar.STRING, "back-end of the fleet", example="fleet-1"),
        Field("account", Scalar.STRING, "account, token or key under which it came", example="app-4711"),
        Field("host", Scalar.STRING, "IP address that it came from", example="198.51.100.23"),
        Field(
            "country", Scalar.STRING, "country of that address (ISO 3166-1, two letters)", nullable=True, example="DE"
        ),
        Field("vehicle", Scalar.STRING, "vehicle concerned; absent for log-ons and lists", nullable=True),
        Field(
            "action",
            Scalar.STRING,
            "what is asked for",
            one_of=(
                "log_on",
                "read",
                "export",
                "lock",
                "unlock",
                "start",
                "stop",
                "immobilise",
                "charge_start",
                "charge_stop",
                "climate",
                "signal",
                "configure",
            ),
        ),
        Field("result", Scalar.STRING, "what came of it", one_of=("done", "refused", "failed")),
        Field("owned", Scalar.BOOL, "whether the account holds rights on the vehicle", nullable=True),
        Field("records", Scalar.LONG, "records handed out", nullable=True, low=0),
        Field("work_order", Scalar.STRING, "order or campaign that justifies it", nullable=True),
        *origin(),
    ),
)
