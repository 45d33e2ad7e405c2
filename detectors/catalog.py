"""The catalogue: every detector, explicitly, and how long each record type's past counts."""

from detectors.detector import Detector
from detectors.meter import mass_disconnect, mass_silence, register_rollback, tamper_signature
from detectors.substation import rogue_master
from schemas.types import Domain

DETECTORS: tuple[Detector, ...] = (
    mass_disconnect.DETECTOR,
    mass_silence.DETECTOR,
    register_rollback.DETECTOR,
    tamper_signature.DETECTOR,
    rogue_master.DETECTOR,
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
