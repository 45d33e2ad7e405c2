"""The catalogue: every detector, explicitly, and how long each record type's past counts."""

from importlib import import_module

from detectors.detector import Detector
from detectors.plan import parameters
from detectors.site import Site
from schemas.errors import ConfigFault, meant
from schemas.records import DETECTED
from schemas.types import Domain

#: The file of every detector below `detectors`: a new detector is one line here.
FILES: tuple[str, ...] = (
    "meter.charger_mass_stop",
    "meter.consumption_drift",
    "meter.credential_sweep",
    "meter.der_dispatch",
    "meter.der_switching",
    "meter.energy_balance",
    "correlation.alert_storm",
    "correlation.disconnect_with_substation_command",
    "correlation.one_source_many_sites",
    "correlation.scan_then_write",
    "correlation.site_alert_storm",
    "correlation.sybil_with_jamming",
    "meter.event_flooding",
    "meter.event_log_cleared",
    "meter.meter_drift",
    "meter.field_jamming",
    "meter.load_switch_cycling",
    "meter.mass_disconnect",
    "meter.mass_silence",
    "meter.register_rollback",
    "meter.replayed_profile",
    "meter.rogue_client",
    "meter.session_replay",
    "meter.tamper_load_drop",
    "meter.tamper_signature",
    "meter.unapproved_firmware",
    "meter.unordered_settings",
    "meter.unusual_reading",
    "network.home_beacon",
    "network.home_dga",
    "network.home_guessed_login",
    "network.home_inbound",
    "network.home_new_controller",
    "network.home_new_peers",
    "network.home_port_map",
    "network.home_scan",
    "network.igmp_forged_leave",
    "network.igmp_join_flood",
    "network.igmp_querier",
    "network.key_denied",
    "network.key_flood",
    "network.key_sharing",
    "network.key_two_places",
    "network.mobile_abuse",
    "network.multicast_source",
    "network.selective_forwarding",
    "network.sensor_manipulation",
    "network.sensor_sinkhole",
    "network.signalling_storm",
    "network.sim_elsewhere",
    "network.sim_other_device",
    "network.stream_altered",
    "substation.dnp3_flood",
    "substation.dnp3_impostor_master",
    "substation.dnp3_impostor_outstation",
    "substation.dnp3_irregular",
    "substation.dnp3_scan",
    "substation.mms_control",
    "substation.mms_disruption",
    "substation.mms_interrupted",
    "substation.mms_scan",
    "substation.rogue_client_mms",
    "substation.flow_altered",
    "substation.dnp3_operate",
    "substation.dnp3_restart",
    "substation.dnp3_two_masters",
    "substation.dnp3_unsolicited_off",
    "substation.flow_scan",
    "substation.rogue_master_dnp3",
    "substation.goose_drift",
    "substation.goose_flooding",
    "substation.goose_forged",
    "substation.goose_poisoned",
    "substation.goose_silent",
    "substation.goose_suppressed",
    "substation.iec104_collection",
    "substation.iec104_command",
    "substation.iec104_file",
    "substation.iec104_flood",
    "substation.iec104_idle_session",
    "substation.iec104_irregular",
    "substation.iec104_reads",
    "substation.iec104_reconnects",
    "substation.iec104_refused",
    "substation.iec104_reset",
    "substation.iec104_scan",
    "substation.iec104_sequence",
    "substation.iec104_setpoint",
    "substation.iec104_setpoint_sweep",
    "substation.iec104_stopped",
    "substation.iec104_sweep",
    "substation.iec104_time",
    "substation.iec104_toggling",
    "substation.modbus_drift",
    "substation.iec104_drift",
    "substation.iec104_unanswered",
    "substation.iec104_unstarted",
    "substation.modbus_restart",
    "substation.modbus_scan",
    "substation.replayed_values",
    "substation.rogue_master",
    "substation.rogue_master_iec104",
    "substation.rogue_outstation",
    "substation.switching",
    "substation.unauthorised_write",
    "vehicle.cam_flooding",
    "vehicle.altered_map",
    "vehicle.altered_warning",
    "vehicle.belied_warning",
    "vehicle.can_bus_off",
    "vehicle.can_diagnostics",
    "vehicle.can_drift",
    "vehicle.can_flooding",
    "vehicle.can_fuzzing",
    "vehicle.can_injection",
    "vehicle.false_warning",
    "vehicle.can_masquerade",
    "vehicle.can_suspension",
    "vehicle.diagnostic_misuse",
    "vehicle.channel_jammed",
    "vehicle.frozen_position",
    "vehicle.gnss_disturbed",
    "vehicle.impossible_acceleration",
    "vehicle.impossible_speed",
    "vehicle.j1939_command",
    "vehicle.fleet_commands",
    "vehicle.fleet_export",
    "vehicle.ota_downloads",
    "vehicle.ota_frozen",
    "vehicle.ota_image",
    "vehicle.copied_message",
    "vehicle.ghost_vehicles",
    "vehicle.misbehaving_station",
    "vehicle.off_road",
    "vehicle.out_of_range",
    "vehicle.position_jump",
    "vehicle.position_speed_mismatch",
    "vehicle.certificate_rights",
    "vehicle.signal_broadcast",
    "vehicle.signal_disagrees",
    "vehicle.signature_failures",
    "vehicle.unconfirmed_braking",
    "vehicle.v2x_replay",
)


def _load(name: str) -> Detector:
    detector = import_module(f"detectors.{name}").DETECTOR
    assert isinstance(detector, Detector)
    return detector


DETECTORS: tuple[Detector, ...] = tuple(map(_load, FILES))

#: Seconds of silence after which a key begins afresh, a record type.
LIFETIMES: dict[str, float] = {schema.name: schema.remembered_s for schema in DETECTED}


def of_domain(domain: Domain, site: Site | None = None) -> tuple[Detector, ...]:
    """The detectors of a domain, and the rules of the site's own.

    Raises:
        ConfigFault: a rule is wrong.
    """
    return tuple(d for d in (*DETECTORS, *site_rules(site)) if d.record.domain is domain)


def site_rules(site: Site | None) -> tuple[Detector, ...]:
    """The detectors that a site's own rules are.

    Raises:
        ConfigFault: a rule is wrong; names every fault with file and line.
    """
    if site is None or not site.rule_files:
        return ()
    # Sigma's parser takes a second to import.
    from detectors.rules.compile import compiled

    return compiled(site.rule_files)


def check_site(site: Site) -> None:
    """Refuse a site file that sets or disables a detector of which there is none, or sets what it has not, in whatever domain.

    Raises:
        ConfigFault: naming the key.
    """
    everything = (*DETECTORS, *site_rules(site))
    known = {d.id for d in everything}
    for key, named in (("detectors", site.detectors), ("disabled", site.disabled)):
        for name in sorted(set(named) - known):
            remedy = meant(name, known, f"one of {', '.join(sorted(known))}")
            raise ConfigFault(f"unknown detector {name}", f"site file, key {key}.{name}", remedy)
    for detector in everything:
        parameters(detector, site)
