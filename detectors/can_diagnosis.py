"""Diagnosis in the frames of a CAN bus: requests and answers of ISO 14229-1 in the first frame of a message (ISO 15765-2)."""

import polars as pl

from detectors.can_bus import DATA, byte
from detectors.diagnostics import KEY_REFUSED, NOT_THERE, SECURITY_ACCESS
from detectors.facts.vehicle import SpeedSignal
from detectors.memory import Derived

_ID = pl.col("can_id")
_EXTENDED = pl.col("extended") & (_ID // 65_536).is_in([0x18DA, 0x18DB])
_STANDARD = ~pl.col("extended") & _ID.is_between(0x7DF, 0x7EF)
#: Conversation: the control unit's address with 29 bits, its request identifier with 11; testers have the addresses from 0xF1.
_TARGET, _SOURCE = _ID // 256 % 256, _ID % 256
ECU = Derived(
    "control unit",
    pl.when("extended")
    .then(pl.when(_TARGET >= 0xF1).then(_SOURCE).otherwise(_TARGET))
    .otherwise(_ID - _ID // 8 % 2 * 8),
)
_DIAGNOSTIC = DATA.expr & (_EXTENDED | _STANDARD)
_ANSWER = pl.when("extended").then(_TARGET >= 0xF1).otherwise(_ID >= 0x7E8)
_KIND = byte(0) // 16
#: Where the message begins: after the length of a single frame or of a first frame.
_SINGLE, _FIRST = (_KIND == 0) & byte(0).is_between(1, 7), _KIND == 1
SERVICE_ASKED = pl.when(_SINGLE).then(byte(1)).when(_FIRST).then(byte(2))
SUBFUNCTION = pl.when(_SINGLE & (byte(0) >= 2)).then(byte(2) % 128).when(_FIRST).then(byte(3) % 128)
#: Services have the numbers up to 0x3E and from 0x83 to 0x87 (ISO 14229-1, table of services).
REQUEST = Derived(
    "diagnostic request",
    (_DIAGNOSTIC & ~_ANSWER & ((SERVICE_ASKED < 0x3F) | SERVICE_ASKED.is_between(0x83, 0x87))).fill_null(False),
)
_NEGATIVE = (_DIAGNOSTIC & _ANSWER & (byte(0) == 3) & (byte(1) == 0x7F)).fill_null(False)
REFUSED = Derived(
    "key refused", (_NEGATIVE & (byte(2) == SECURITY_ACCESS) & byte(3).is_in(KEY_REFUSED)).fill_null(False)
)
TRIED = Derived("tried in vain", (_NEGATIVE & byte(3).is_in(NOT_THERE)).fill_null(False))
SERVICE_REFUSED = Derived("refused service", byte(2))
ASKED = Derived("asks for access", (REQUEST.expr & (SERVICE_ASKED == SECURITY_ACCESS)).fill_null(False))


def speed(signal: SpeedSignal | None) -> tuple[pl.Expr, str]:
    """Speed in m/s that a frame tells, null where it tells none; and the words that make its name unique."""
    # SAE J1939-71, CCVS: wheel-based vehicle speed, 1/256 km/h, from 0xFB00 on no value. SAE J1979, PID 0x0D: km/h.
    j1939 = pl.when(pl.col("extended") & (_ID // 256 % 65_536 == 0xFEF1) & (byte(2) < 0xFB)).then(
        (byte(1) + 256 * byte(2)) * (1 / 921.6)
    )
    obd = pl.when(_DIAGNOSTIC & _ANSWER & (byte(1) == 0x41) & (byte(2) == 0x0D)).then(byte(3) * (1 / 3.6))
    told = pl.coalesce(j1939, obd)
    if signal is None:
        return told, ""
    number = byte(signal.first)
    if signal.bytes_long == 2:
        high, low = (signal.first, signal.first + 1) if signal.big_endian else (signal.first + 1, signal.first)
        number = 256 * byte(high) + byte(low)
    own = (signal.can_id == _ID) & (pl.col("extended") == signal.extended)
    return pl.when(own & DATA.expr).then(number * signal.factor_ms).otherwise(told), repr(signal)
