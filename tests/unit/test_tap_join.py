"""The joiner's bounds and rules, without packets."""

import pytest

from ingest.source import Record
from ingest.tap import modbus_join
from ingest.tap.modbus import Pdu, Peers
from ingest.tap.modbus_join import PATIENCE, Joiner


def pdu(transaction: int, request: bool, time: int, frame: int, function: int = 3) -> Pdu:
    return Pdu(Peers("c", 1, "s", 502, transaction, 1), request, time, [frame], function)


def sides(records: list[Record]) -> list[tuple[int, bool, bool, list[int]]]:
    return [tuple(r.fields[k] for k in ("transaction", "requested", "responded", "frames")) for r in records]  # type: ignore[misc]


def test_a_request_waits_for_its_patience_and_no_longer() -> None:
    joiner = Joiner("s", None)
    joiner.take(pdu(1, True, 0, 1))
    assert joiner.expire(PATIENCE) == []
    assert sides(joiner.expire(PATIENCE + 1)) == [(1, True, False, [1])]
    assert sides(joiner.take(pdu(1, False, PATIENCE + 2, 2))) == [(1, False, True, [2])]


def test_a_second_request_of_the_same_identifier_ends_the_wait_of_the_first() -> None:
    joiner = Joiner("s", None)
    joiner.take(pdu(1, True, 0, 1))
    assert sides(joiner.take(pdu(1, True, 5, 2))) == [(1, True, False, [1])]
    assert sides(joiner.take(pdu(1, False, 6, 3))) == [(1, True, True, [2, 3])]


def test_a_response_of_another_function_answers_nothing() -> None:
    joiner = Joiner("s", None)
    joiner.take(pdu(1, True, 0, 1, function=3))
    assert sides(joiner.take(pdu(1, False, 1, 2, function=6))) == [(1, False, True, [2])]
    assert sides(joiner.finish()) == [(1, True, False, [1])]


def test_requests_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus_join, "MAX_PENDING", 3)
    joiner = Joiner("s", None)
    given_up = [record for n in range(5) for record in joiner.take(pdu(n, True, n, n + 1))]
    assert sides(given_up) == [(0, True, False, [1]), (1, True, False, [2])]
    assert len(joiner.finish()) == 3


def test_a_retransmission_finds_its_transaction_while_it_is_held() -> None:
    joiner = Joiner("s", None, hold=1_000)
    peers = pdu(1, True, 0, 1).peers
    joiner.take(pdu(1, True, 0, 1))
    assert joiner.resent(peers, 2)
    (record,) = joiner.take(pdu(1, False, 10, 3))
    assert joiner.resent(peers, 4)
    joiner.expire(2_000)
    assert not joiner.resent(peers, 5)
    assert record.fields["frames"] == [1, 2, 3, 4]
