"""Which events of a meter tell of tampering."""

from typing import Final

#: Meanings in the words of the meter_event schema.
TAMPER: Final = (
    "cover_removed",
    "terminal_cover_removed",
    "module_cover_removed",
    "strong_field_on",
    "current_reverse",
    "current_bypass",
    "neutral_disturbance",
    "mbus_fraud_attempt",
)
