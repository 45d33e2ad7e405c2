"""Where everything in the lab's substation is, and the files that tell others: point map and site file."""

from dataclasses import dataclass
from typing import Any, Final

from ingest.lab.apdu import C_SC_NA_1
from ingest.lab.goose_frames import ControlBlock
from ingest.lab.grid import PICKUP_RANGE, SETPOINT_RANGE
from ingest.lab.iec104_station import ACKNOWLEDGE_ALARM, COMMON_ADDRESS
from ingest.lab.load_profiles import INTERVAL_S, Customer
from ingest.lab.modbus_devices import BAY_POINTS, BREAKER, PICKUP, RTU_POINTS, SETPOINT, UNIT

SITE: Final = "lab-substation"
BLOCKS: Final = tuple(
    ControlBlock(f"BAY{n}CTRL/LLN0$GO$gcb1", f"BAY{n}CTRL/LLN0$trips", f"bay{n}", f"02:00:00:00:20:0{n}", 0x1000 + n)
    for n in (1, 2)
)
#: Three phases of 63 A at 230 V, what the lab's customers are connected by.
FUSE_KW: Final = 43.5
ROGUE_MAC: Final = "02:00:00:00:66:03"


@dataclass(frozen=True)
class Addresses:
    """The hosts of the substation; all are loopback addresses, which Linux lets every process bind.

    Args:
        modbus_port, iec104_port: ports of the servers; the standard ones need root and would be taken for real.
    """

    modbus_port: int = 5020
    iec104_port: int = 2404
    bays: tuple[str, str] = ("127.0.20.1", "127.0.20.2")
    rtu: str = "127.0.20.3"
    outstation: str = "127.0.20.10"
    poller: str = "127.0.10.1"
    hmi: str = "127.0.10.2"
    control_centre: str = "127.0.10.4"
    historian: str = "127.0.10.9"
    rogue: str = "127.0.66.1"
    scanner: str = "127.0.66.2"
    intruder: str = "127.0.66.4"

    @property
    def modbus_servers(self) -> list[tuple[str, int]]:
        """Bays and RTU."""
        return [(host, self.modbus_port) for host in (*self.bays, self.rtu)]


def point_map(addresses: Addresses, period_s: float = 1.0) -> dict[str, Any]:
    """The point map that `gridwatch ingest modbus` polls as the site's master."""
    common = {
        "port": addresses.modbus_port,
        "unit": UNIT,
        "bind": addresses.poller,
        "period_s": period_s,
        "timeout_s": 1.0,
    }
    devices: list[dict[str, Any]] = [
        {"name": f"bay-{number}", "host": host, **common, "points": BAY_POINTS}
        for number, host in enumerate(addresses.bays, 1)
    ]
    devices.append({"name": "rtu", "host": addresses.rtu, **common, "points": RTU_POINTS})
    return {"site": SITE, "devices": devices}


def site_facts(addresses: Addresses, customers: tuple[Customer, ...], period_s: float = 1.0) -> dict[str, Any]:
    """The site file of the lab.

    Args:
        customers: the lab's meters.
        period_s: of run time in which each meter reports a quarter of an hour.
    """
    feeders: dict[str, int] = {}
    for customer in customers:
        feeders[customer.feeder] = feeders.get(customer.feeder, 0) + 1
    points: list[dict[str, Any]] = []
    for bay in addresses.bays:
        points += [
            {"server": bay, "table": "coil", "first": BREAKER, "last": BREAKER, "writable": True, "low": 0, "high": 1},
            {"server": bay, "table": "discrete", "first": 0, "last": 15},
            _writable(bay, PICKUP, PICKUP_RANGE),
            {"server": bay, "table": "input", "first": 0, "last": 7},
        ]
    points += [
        _writable(addresses.rtu, SETPOINT, SETPOINT_RANGE),
        {"server": addresses.rtu, "table": "input", "first": 0, "last": 6},
    ]
    allowed = {
        "source": addresses.control_centre,
        "common_address": COMMON_ADDRESS,
        "object_address": ACKNOWLEDGE_ALARM,
        "type_id": C_SC_NA_1,
        "select_before_operate": True,
    }
    return {
        "name": SITE,
        "modbus": {
            "masters": [addresses.poller, addresses.hmi, addresses.historian],
            "writers": [{"client": addresses.hmi}],
            "points": points,
        },
        "iec104": {"masters": [addresses.control_centre], "commands": [allowed]},
        "goose": {
            "publishers": [
                {
                    "control_block": block.reference,
                    "source_mac": block.source_mac,
                    "appid": block.appid,
                    "conf_rev": block.conf_rev,
                    "dataset": block.dataset,
                }
                for block in BLOCKS
            ]
        },
        "meters": {"feeders": feeders},
        "can": {"bitrate": 500_000},
        # The lab's meters live a quarter of an hour every period: what is measured in seconds is scaled for them.
        "detectors": {
            "register_rollback": {"fuse_kw": FUSE_KW * INTERVAL_S / period_s, "least_gap_s": period_s},
            "mass_silence": {"least_s": 8 * period_s},
        },
    }


def _writable(server: str, register: int, bounds: tuple[int, int]) -> dict[str, Any]:
    low, high = bounds
    return {
        "server": server,
        "table": "holding",
        "first": register,
        "last": register,
        "writable": True,
        "low": low,
        "high": high,
    }
