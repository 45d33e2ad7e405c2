"""An event of a home gateway: port maps, log-ins at home devices, commands to them."""

from schemas.types import Domain, Field, Scalar, Schema, origin

#: What a home device may be, energy devices first.
ENERGY_KINDS = ("inverter", "battery", "ev_charger", "heat_pump", "meter", "load")
DEVICE_KINDS = (*ENERGY_KINDS, "gateway", "camera", "media", "computer", "phone", "other")

HOME_EVENT = Schema(
    name="home_event",
    domain=Domain.NETWORK,
    says="One event of a home gateway or home energy manager that concerns one device of the home.",
    locality="home",
    identity=("device", "event", "requester"),
    remembered_s=40 * 86_400.0,
    fields=(
        Field("time", Scalar.TIME, "when it happened"),
        Field("home", Scalar.STRING, "home: its gateway", example="home-0815"),
        Field(
            "event",
            Scalar.STRING,
            "port map made or removed by UPnP or PCP (RFC 6887); log-in at a device; command to a device",
            one_of=("port_map_added", "port_map_removed", "login", "command"),
            example="login",
        ),
        Field(
            "device",
            Scalar.STRING,
            "device concerned: its MAC address where the gateway knows it, so that a new lease is no new device",
            example="02:00:5e:10:00:01",
        ),
        Field(
            "device_kind", Scalar.STRING, "what the device is", nullable=True, one_of=DEVICE_KINDS, example="inverter"
        ),
        Field(
            "requester",
            Scalar.STRING,
            "who asked: address of the host, or id of the controller, app or account",
            nullable=True,
            example="192.168.1.23",
        ),
        Field("result", Scalar.STRING, "what came of it", nullable=True, one_of=("success", "failure")),
        Field("external_port", Scalar.INT, "mapped port outside", nullable=True, low=0, high=65_535, example=8443),
        Field("internal_port", Scalar.INT, "mapped port of the device", nullable=True, low=0, high=65_535, example=443),
        Field("command", Scalar.STRING, "what the device was told to do", nullable=True, example="charge_limit"),
        *origin(),
    ),
)
