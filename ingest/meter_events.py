"""Event codes of meters by profile: a code has a meaning only under the profile it was written under.

Profiles conflict: 7 is "replace battery" in the DLMS/COSEM standard log and an overvoltage in IS 15959. So the profile
comes with the event or is said by the user, and a code that the profile does not list is refused, never guessed.

Source: DLMS/COSEM companion profiles (IDIS package 2, standard, fraud and disconnector event logs, OBIS 0.0.99.98.0,
.1 and .2); IS 15959 part 1, annex E (voltage, current, power, transaction, other and control events).
"""

from collections.abc import Mapping
from typing import Final

DLMS: Final[Mapping[int, str]] = {
    1: "power_down",
    2: "power_up",
    4: "clock_adjusted_old",
    5: "clock_adjusted_new",
    6: "clock_invalid",
    7: "replace_battery",
    8: "battery_low",
    10: "error_register_cleared",
    11: "alarm_register_cleared",
    12: "program_memory_error",
    13: "ram_error",
    14: "nv_memory_error",
    15: "watchdog_error",
    16: "measurement_error",
    17: "firmware_ready",
    18: "firmware_activated",
    40: "terminal_cover_removed",
    41: "terminal_cover_closed",
    42: "strong_field_on",
    43: "strong_field_off",
    44: "cover_removed",
    45: "cover_closed",
    46: "wrong_password",
    47: "configuration_changed",
    48: "module_cover_removed",
    49: "module_cover_closed",
    60: "manual_disconnect",
    61: "manual_connect",
    62: "remote_disconnect",
    63: "remote_connect",
    64: "local_disconnect",
    65: "limiter_exceeded",
    66: "limiter_ok",
    67: "limiter_changed",
    77: "undervoltage",
    78: "undervoltage",
    79: "undervoltage",
    86: "phase_outage",
    87: "phase_outage",
    88: "phase_outage",
    89: "phase_outage",
    90: "phase_outage",
    91: "phase_outage",
    92: "phase_outage",
    103: "mbus_fraud_attempt",
    113: "mbus_fraud_attempt",
    123: "mbus_fraud_attempt",
    133: "mbus_fraud_attempt",
    255: "log_cleared",
}

IS15959: Final[Mapping[int, str]] = {
    1: "phase_outage",
    2: "phase_restored",
    3: "phase_outage",
    4: "phase_restored",
    5: "phase_outage",
    6: "phase_restored",
    7: "overvoltage",
    8: "overvoltage_end",
    9: "undervoltage",
    10: "undervoltage_end",
    11: "voltage_unbalance",
    12: "voltage_unbalance_end",
    51: "current_reverse",
    52: "current_reverse_end",
    53: "current_reverse",
    54: "current_reverse_end",
    55: "current_reverse",
    56: "current_reverse_end",
    57: "current_open",
    58: "current_open_end",
    59: "current_open",
    60: "current_open_end",
    61: "current_open",
    62: "current_open_end",
    63: "current_unbalance",
    64: "current_unbalance_end",
    65: "current_bypass",
    66: "current_bypass_end",
    67: "overcurrent",
    68: "overcurrent_end",
    101: "power_down",
    102: "power_up",
    151: "clock_adjusted_new",
    201: "strong_field_on",
    202: "strong_field_off",
    203: "neutral_disturbance",
    204: "neutral_disturbance_end",
    205: "low_power_factor",
    206: "low_power_factor_end",
    251: "cover_removed",
    301: "remote_disconnect",
    302: "remote_connect",
}

#: Profile name -> code -> meaning.
PROFILES: Final[Mapping[str, Mapping[int, str]]] = {"dlms": DLMS, "is15959": IS15959}


class UnknownEvent(ValueError):
    """A code without one certain meaning; `reason` is one of "unknown profile", "unknown code", "ambiguous code"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def meaning_of(code: int, profile: str | None) -> tuple[str, str]:
    """The profile and the meaning of an event code.

    Args:
        code: the code as the meter wrote it.
        profile: the profile it was written under; None where the source does not say.

    Returns:
        (profile, meaning). Without a profile only a code that a single profile knows is decoded.

    Raises:
        UnknownEvent: the profile or the code is not known, or profiles disagree on it.
    """
    if profile is not None:
        codes = PROFILES.get(profile)
        if codes is None:
            raise UnknownEvent("unknown profile", f"{profile[:64]!r}; known are {', '.join(PROFILES)}")
        if code not in codes:
            raise UnknownEvent("unknown code", f"{code} is not in profile {profile}")
        return profile, codes[code]
    known = {name: codes[code] for name, codes in PROFILES.items() if code in codes}
    if not known:
        raise UnknownEvent("unknown code", f"{code} is in no profile")
    if len(known) > 1:
        raise UnknownEvent(
            "ambiguous code", f"{code} is " + " and ".join(f"{says} in {name}" for name, says in known.items())
        )
    return next(iter(known.items()))
