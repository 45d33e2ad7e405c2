"""What each record type adds to the sums: who talked to whom, which values, where, and which assets were heard of."""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from jobs.observe.sums import Fix, Sums
from schemas.records import (
    CAM,
    CAN_FRAME,
    CHARGER_STATUS,
    DLMS_SESSION,
    DNP3,
    FEEDER_MEASUREMENT,
    FLEET_REQUEST,
    FLOW,
    GOOSE,
    HEADEND_COMMAND,
    HOME_FLOW,
    IEC104,
    METER_READING,
    MMS,
    MODBUS,
    POINT,
    RSU_RADIO,
    SENSOR_READING,
    UDS,
)  # fmt: skip
from schemas.types import Schema

Fields = Mapping[str, Any]
View = Callable[["Observer", int, Fields], None]

#: Meters whose last register is remembered, to know what was used since.
METERS: Final = 1_000_000

#: Modbus function codes (Modbus Application Protocol V1.1b3 clause 6) -> name and class.
_MODBUS: Final = {
    1: ("read coils", "read"), 2: ("read discrete inputs", "read"), 3: ("read holding registers", "read"),
    4: ("read input registers", "read"), 5: ("write coil", "write"), 6: ("write register", "write"),
    8: ("diagnostics", "system"), 15: ("write coils", "write"), 16: ("write registers", "write"),
    17: ("report server id", "system"), 22: ("mask write register", "write"), 23: ("read and write registers", "write"),
    43: ("identify device", "system"),
}  # fmt: skip
#: DNP3 application function codes (IEEE 1815 clause 4.2.2.3) -> name and class.
_DNP3: Final = {
    0: ("confirm", "system"), 1: ("read", "read"), 2: ("write", "write"), 3: ("select", "control"), 4: ("operate", "control"),
    5: ("direct operate", "control"), 6: ("direct operate, no answer", "control"), 13: ("cold restart", "system"),
    14: ("warm restart", "system"), 20: ("enable unsolicited", "system"), 21: ("disable unsolicited", "system"),
    129: ("response", "report"), 130: ("unsolicited response", "report"),
}  # fmt: skip
_MMS_CLASS: Final = {"read": "read", "informationReport": "report", "write": "write", "getNameList": "system"}
_COMMAND_CLASS: Final = {"read": "read", "connect": "control", "disconnect": "control", "limit": "control"}
#: Types of IEC 60870-5-104 that carry the state of a switch (IEC 60870-5-101 clause 7.3.1): single points, and double ones.
_STATES: Final = {1: "state", 2: "state", 30: "state", 3: "double state", 4: "double state", 31: "double state"}


class Observer:
    """Turns records into sums.

    Attributes:
        sums: what was observed since they were last taken.
    """

    def __init__(self) -> None:
        self.sums = Sums()
        self._registers: OrderedDict[str, float] = OrderedDict()

    def add(self, schema: Schema, at: int, fields: Fields) -> None:
        """One record.

        Args:
            schema: its type.
            at: its arrival, microseconds since 1970.
            fields: decoded.
        """
        view = VIEWS.get(schema.name)
        if view is not None:
            view(self, at, fields)

    def take(self) -> Sums:
        """The sums so far; begins new ones."""
        taken, self.sums = self.sums, Sums()
        return taken

    def used(self, meter: str, register: float) -> float | None:
        """Energy since the meter's last register, kWh; None for its first, and where the register fell."""
        before = self._registers.pop(meter, None)
        self._registers[meter] = register
        if len(self._registers) > METERS:
            self._registers.popitem(last=False)
        return register - before if before is not None and register >= before else None

    def value(self, at: int, domain: str, site: str, of: tuple[str, str], measure: str, value: float | None) -> None:
        """A value, where there is one."""
        if value is not None and math.isfinite(value):
            self.sums.measured(at, domain, site, of, measure, float(value))


def _modbus(o: Observer, at: int, f: Fields) -> None:
    code = f["function"] & 0x7F
    what = _MODBUS.get(code, (f"function {code}", "other"))
    o.sums.talked(at, "substation", f["site"], "Modbus", (f["client"], f["server"]), what, f["exception"] is not None)
    o.sums.heard(at, "substation", "Modbus server", f["site"], f["server"])
    o.sums.heard(at, "substation", "Modbus client", f["site"], f["client"])


def _iec104(o: Observer, at: int, f: Fields) -> None:
    number = f["type_id"]
    if number is None:
        what = (f["control"] or f["format"], "system")
    elif 45 <= number <= 69:
        what = (f"command, type {number}", "control")
    else:
        what = (f"type {number}", "report" if number < 45 else "system")
    pair = (f["source"], f["destination"])
    o.sums.talked(at, "substation", f["site"], "IEC 104", pair, what, bool(f["negative"]))
    if number is not None and number < 45 and f["object_address"] is not None:
        name = f"{f['source']} {f['common_address']}/{f['object_address']}"
        kind = "switch" if number in _STATES else "process value"
        o.value(at, "substation", f["site"], (kind, name), _STATES.get(number, "value"), f["value"])
        o.sums.heard(at, "substation", "IEC 104 station", f["site"], f"{f['source']} {f['common_address']}")


def _goose(o: Observer, at: int, f: Fields) -> None:
    pair = (f["source_mac"], f["control_block"])
    o.sums.talked(at, "substation", f["site"], "GOOSE", pair, ("publish", "report"), False)
    o.value(at, "substation", f["site"], ("control block", f["control_block"]), "stNum", f["st_num"])
    o.sums.heard(at, "substation", "GOOSE publisher", f["site"], f"{f['control_block']} from {f['source_mac']}")


def _dnp3(o: Observer, at: int, f: Fields) -> None:
    code = f["function"]
    what = ("link layer", "system") if code is None else _DNP3.get(code, (f"function {code}", "other"))
    failed = bool((f["iin2"] or 0) & 0b111) or not f["checksum_ok"]
    o.sums.talked(at, "substation", f["site"], "DNP3", (f["source"], f["destination"]), what, failed)
    kind = "DNP3 master" if f["from_master"] else "DNP3 outstation"
    o.sums.heard(at, "substation", kind, f["site"], f"{f['source']} {f['link_source']}")


def _mms(o: Observer, at: int, f: Fields) -> None:
    service = f["service"] or f["pdu"]
    of = "control" if f["control"] else _MMS_CLASS.get(service, "other" if f["service"] else "system")
    failed = bool(f["failures"]) or f["error_class"] is not None or f["pdu"].endswith("_error")
    o.sums.talked(at, "substation", f["site"], "MMS", (f["source"], f["destination"]), (service, of), failed)
    o.sums.heard(at, "substation", "MMS host", f["site"], f["source"])


def _flow(o: Observer, at: int, f: Fields) -> None:
    what = (f"{f['protocol']} {f['destination_port']}" if f["destination_port"] < 49_152 else f["protocol"], "other")
    failed = f["state"] in ("rejected", "attempted", "reset")
    o.sums.talked(at, "substation", f["site"], "flow", (f["source"], f["destination"]), what, failed)
    o.sums.heard(at, "substation", "host", f["site"], f["source"])


def _point(o: Observer, at: int, f: Fields) -> None:
    o.value(at, "substation", f["site"], ("process value", f"{f['device']} {f['point']}"), "value", f["value"])


def _meter_reading(o: Observer, at: int, f: Fields) -> None:
    of = ("transformer", f["transformer"])
    since = o.used(f["meter"], f["register_kwh"])
    used = since if f["interval_kwh"] is None else f["interval_kwh"]
    o.value(at, "meter", f["transformer"], of, "metered kWh", used)
    o.sums.heard(at, "meter", "meter", f["transformer"], f["meter"])


def _feeder(o: Observer, at: int, f: Fields) -> None:
    of = ("transformer", f["transformer"])
    o.value(at, "meter", f["transformer"], of, "delivered kWh", f["energy_kwh"])
    o.value(at, "meter", f["transformer"], of, "voltage V", f["voltage_v"])


def _headend(o: Observer, at: int, f: Fields) -> None:
    what = (f["command"], _COMMAND_CLASS.get(f["command"], "write"))
    failed = f["result"] in ("failed", "refused")
    o.sums.talked(at, "meter", f["headend"], "head-end", (f["operator"], f["headend"]), what, failed)


def _dlms(o: Observer, at: int, f: Fields) -> None:
    of = "read" if f["service"].startswith("get") else "write" if f["service"].startswith("set") else "system"
    failed = f["result"] not in (None, "accepted", "done", "success")
    o.sums.talked(at, "meter", f["headend"], "DLMS", (f["source"], f["meter"]), (f["service"], of), failed)


def _charger(o: Observer, at: int, f: Fields) -> None:
    o.value(at, "meter", f["fleet"], ("charger", f["charger"]), "power kW", f["power_kw"])
    o.sums.heard(at, "meter", "charger", f["fleet"], f["charger"])


def _cam(o: Observer, at: int, f: Fields) -> None:
    if f["latitude"] is not None and f["longitude"] is not None:
        speed, heading = (None if f[n] is None else float(f[n]) for n in ("speed_ms", "heading_deg"))
        fix = Fix(float(f["latitude"]), float(f["longitude"]), speed, heading, 1)
        o.sums.located(at, f["receiver"], f["station"], fix)
    o.value(at, "vehicle", f["receiver"], ("roadside unit", f["receiver"]), "awareness messages", 1.0)
    o.sums.heard(at, "vehicle", "roadside unit", f["receiver"], f["receiver"])


def _radio(o: Observer, at: int, f: Fields) -> None:
    of = ("roadside unit", f["receiver"])
    o.value(at, "vehicle", f["receiver"], of, "channel busy ratio", f["busy_ratio"])
    o.value(at, "vehicle", f["receiver"], of, "stations heard", f["stations"])


def _can(o: Observer, at: int, f: Fields) -> None:
    bus = f"{f['vehicle']} {f['channel']}"
    o.value(at, "vehicle", f["vehicle"], ("bus", bus), "frames", 1.0)
    o.sums.heard(at, "vehicle", "CAN identifier", f["vehicle"], f"{f['channel']} 0x{f['can_id']:X}")


def _uds(o: Observer, at: int, f: Fields) -> None:
    pair = (str(f["tester"]), f"{f['vehicle']} {f['ecu']}")
    of = "read" if f["service"] in (0x19, 0x22) else "write" if f["service"] in (0x2E, 0x34, 0x36) else "system"
    o.sums.talked(at, "vehicle", f["vehicle"], "UDS", pair, (f"service 0x{f['service']:02X}", of), f["nrc"] is not None)


def _fleet(o: Observer, at: int, f: Fields) -> None:
    failed = f["result"] not in (None, "accepted", "done", "ok")
    pair = (f["account"], f["backend"])
    o.sums.talked(at, "vehicle", f["backend"], "back-end", pair, (f["action"], "other"), failed)


def _sensor(o: Observer, at: int, f: Fields) -> None:
    o.value(at, "network", f["network"], ("sensor", f["node"]), f["quantity"], f["value"])
    o.sums.heard(at, "network", "sensor node", f["network"], f["node"])


def _home(o: Observer, at: int, f: Fields) -> None:
    peer = f["peer_name"] or f["peer"]
    what = (f"{f['protocol']} {f['port']}", "other")
    o.sums.talked(at, "network", f["home"], "home", (f["device"], str(peer)), what, False)
    o.sums.heard(at, "network", "home device", f["home"], f["device"])


#: Record type -> what it adds; the others show in alerts alone.
VIEWS: Final[dict[str, View]] = {
    schema.name: view
    for schema, view in (
        (MODBUS, _modbus), (IEC104, _iec104), (GOOSE, _goose), (DNP3, _dnp3), (MMS, _mms), (FLOW, _flow), (POINT, _point),
        (METER_READING, _meter_reading), (FEEDER_MEASUREMENT, _feeder), (HEADEND_COMMAND, _headend), (DLMS_SESSION, _dlms),
        (CHARGER_STATUS, _charger), (CAM, _cam), (RSU_RADIO, _radio), (CAN_FRAME, _can), (UDS, _uds), (FLEET_REQUEST, _fleet),
        (SENSOR_READING, _sensor), (HOME_FLOW, _home),
    )
}  # fmt: skip
