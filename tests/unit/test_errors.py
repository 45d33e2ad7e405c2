"""Faults read as one line and differ in their exit codes."""

from schemas.errors import ConfigFault, Fault, RunFault, UsageFault


def test_a_fault_is_one_line() -> None:
    fault = RunFault("Kafka does not answer:\n  refused", "127.0.0.1:9092", "start it\n(gridwatch up)")
    assert str(fault) == "Kafka does not answer: refused (127.0.0.1:9092): start it (gridwatch up)"


def test_exit_codes_differ() -> None:
    codes = [kind.exit_code for kind in (Fault, UsageFault, ConfigFault, RunFault)]
    assert codes == [1, 2, 3, 4]
