"""The QuixStreams program keeps the catalogue's rules: what is compared does the same work."""

from typing import Any

from detectors.meter import mass_disconnect, mass_silence, register_rollback, tamper_signature
from jobs.bench.quix_program import decode, judge
from schemas.records import HEADEND_COMMAND, METER_EVENT, METER_READING
from schemas.wire import encode

START = 1_767_225_600_000_000


class State:
    """As the library's state of one key."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value


def reading(at: float, meter: str, register: float) -> dict[str, Any]:
    fields = {"time": START + int(at * 1e6), "meter": meter, "transformer": "T1", "register_kwh": register}
    return decode(encode(METER_READING, fields))


def detectors(records: list[dict[str, Any]]) -> list[str]:
    state = State()
    return [alert["detector"] for record in records for alert in judge(record, state)]


def test_a_register_that_goes_back_or_jumps() -> None:
    rows = [reading(0, "M1", 100.0), reading(900, "M1", 50.0), reading(1800, "M1", 50.1), reading(2700, "M1", 600.0)]
    assert detectors(rows) == [register_rollback.DETECTOR.id] * 2


def test_most_meters_of_a_transformer_fall_silent_once() -> None:
    both = [reading(900 * i, f"M{m}", 10.0 + i) for i in range(8) for m in range(10)]
    few = [reading(900 * i, f"M{m}", 10.0 + i) for i in range(8, 16) for m in range(4)]
    assert detectors(both + few) == [mass_silence.DETECTOR.id]


def test_tamper_events_that_belong_together() -> None:
    def event(at: int, meaning: str) -> dict[str, Any]:
        place = {"time": START + at * 1_000_000, "meter": "M1", "transformer": "T1", "profile": "dlms", "code": 40}
        return decode(encode(METER_EVENT, {**place, "meaning": meaning}))

    quiet = [event(0, "cover_removed"), event(60, "clock_adjusted")]
    assert detectors(quiet) == []
    assert detectors([*quiet, event(240, "strong_field_on")]) == [tamper_signature.DETECTOR.id]


def test_many_disconnects() -> None:
    def command(number: int, order: str | None) -> dict[str, Any]:
        who = {"headend": "H1", "operator": "eve", "host": "h", "meter": f"M{number}", "command": "disconnect"}
        return decode(encode(HEADEND_COMMAND, {**who, "time": START + number * 1_000_000, "work_order": order}))

    assert detectors([command(i, f"W{i}") for i in range(20)]) == []
    assert detectors([command(i, f"W{i}") for i in range(21)]) == [mass_disconnect.DETECTOR.id]
    assert detectors([command(i, None) for i in range(3)]) == [mass_disconnect.DETECTOR.id]
