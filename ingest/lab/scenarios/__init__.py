"""The scenarios: one attack a threat at least, each within quiet traffic. A new scenario or kind of traffic is one line here."""

from importlib import import_module
from typing import Final

from ingest.lab.scenarios.scenario import Quiet, Scenario

#: Files below `ingest.lab.scenarios`; each has the tuples QUIET (kinds of traffic) and SCENARIOS; EXPERIMENTS
#: are attacks that nobody promises to find: they are evaluated and reported.
FILES: Final[tuple[str, ...]] = (
    "der",
    "can",
    "fleet",
    "ota",
    "vehicle_diagnosis",
    "dnp3",
    "flows",
    "goose",
    "headend_commands",
    "homes",
    "igmp",
    "sensor_field",
    "sensor_mesh",
    "traffic_signals",
    "v2x_positions",
    "v2x_radio",
    "v2x_security",
    "iec104",
    "iec104_view",
    "iptv_keys",
    "iptv_streams",
    "meter_readings",
    "meter_devices",
    "meter_prosumers",
    "meter_sessions",
    "meter_theft",
    "mms",
    "mobile",
    "modbus",
    "v2x_warnings",
)  # fmt: skip

_MODULES: Final = tuple(import_module(f"ingest.lab.scenarios.{name}") for name in FILES)
SCENARIOS: Final[tuple[Scenario, ...]] = tuple(scenario for module in _MODULES for scenario in module.SCENARIOS)
EXPERIMENTS: Final[tuple[Scenario, ...]] = tuple(
    scenario for module in _MODULES for scenario in getattr(module, "EXPERIMENTS", ())
)
QUIET: Final[tuple[Quiet, ...]] = tuple(quiet for module in _MODULES for quiet in module.QUIET)
BY_NAME: Final[dict[str, Scenario]] = {scenario.name: scenario for scenario in (*SCENARIOS, *EXPERIMENTS)}
