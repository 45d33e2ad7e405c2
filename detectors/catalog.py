"""The catalogue: every detector, explicitly, and how long each record type's past counts."""

from detectors.detector import Detector
from detectors.meter import (
    event_flooding,
    event_log_cleared,
    load_switch_cycling,
    mass_disconnect,
    mass_silence,
    register_rollback,
    tamper_signature,
    unordered_settings,
    unusual_reading,
)
from detectors.plan import parameters
from detectors.site import Site
from detectors.substation import (
    goose_flooding,
    goose_forged,
    iec104_command,
    iec104_reconnects,
    iec104_refused,
    iec104_reset,
    iec104_scan,
    iec104_toggling,
    modbus_restart,
    modbus_scan,
    rogue_master,
    rogue_master_iec104,
    unauthorised_write,
)
from detectors.vehicle import (
    cam_flooding,
    can_flooding,
    can_injection,
    frozen_position,
    impossible_acceleration,
    impossible_speed,
    position_jump,
    position_speed_mismatch,
)
from schemas.errors import ConfigFault, meant
from schemas.types import Domain

DETECTORS: tuple[Detector, ...] = (
    event_flooding.DETECTOR,
    event_log_cleared.DETECTOR,
    load_switch_cycling.DETECTOR,
    mass_disconnect.DETECTOR,
    mass_silence.DETECTOR,
    register_rollback.DETECTOR,
    tamper_signature.DETECTOR,
    unordered_settings.DETECTOR,
    unusual_reading.DETECTOR,
    goose_flooding.DETECTOR,
    goose_forged.DETECTOR,
    iec104_command.DETECTOR,
    iec104_reconnects.DETECTOR,
    iec104_refused.DETECTOR,
    iec104_reset.DETECTOR,
    iec104_scan.DETECTOR,
    iec104_toggling.DETECTOR,
    modbus_restart.DETECTOR,
    modbus_scan.DETECTOR,
    rogue_master.DETECTOR,
    rogue_master_iec104.DETECTOR,
    unauthorised_write.DETECTOR,
    cam_flooding.DETECTOR,
    can_flooding.DETECTOR,
    can_injection.DETECTOR,
    frozen_position.DETECTOR,
    impossible_acceleration.DETECTOR,
    impossible_speed.DETECTOR,
    position_jump.DETECTOR,
    position_speed_mismatch.DETECTOR,
)

#: Seconds of silence after which a key begins afresh, a record type.
LIFETIMES: dict[str, float] = {
    "meter_reading": 40 * 86_400.0,
    "meter_event": 40 * 86_400.0,
    "headend_command": 40 * 86_400.0,
    "modbus": 14 * 86_400.0,
    "iec104": 14 * 86_400.0,
    "goose": 14 * 86_400.0,
    "point": 14 * 86_400.0,
    "cam": 300.0,  # pseudonyms change; F2MD keeps a neighbour far shorter
    "can_frame": 86_400.0,
}


def of_domain(domain: Domain) -> tuple[Detector, ...]:
    """The detectors of a domain."""
    return tuple(d for d in DETECTORS if d.record.domain is domain)


def check_site(site: Site) -> None:
    """Refuse a site file that sets or disables a detector of which there is none, or sets what it has not, in whatever domain.

    Raises:
        ConfigFault: naming the key.
    """
    known = {d.id for d in DETECTORS}
    for key, named in (("detectors", site.detectors), ("disabled", site.disabled)):
        for name in sorted(set(named) - known):
            remedy = meant(name, known, f"one of {', '.join(sorted(known))}")
            raise ConfigFault(f"unknown detector {name}", f"site file, key {key}.{name}", remedy)
    for detector in DETECTORS:
        parameters(detector, site)
