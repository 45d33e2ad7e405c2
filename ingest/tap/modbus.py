"""Modbus/TCP PDUs as tshark dissects them (Modbus Application Protocol V1.1b3; MBAP header in the TCP guide)."""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ingest.tap.frame import Frame, Tree, integer, octets, text

#: Bytes of an MBAP header up to and with the unit identifier.
MBAP: Final = 7
#: Largest MBAP length: unit identifier and a PDU of 253 bytes.
MAX_LENGTH: Final = 254


class Peers(NamedTuple):
    """Who a transaction is between, and which one it is."""

    client: str
    client_port: int
    server: str
    server_port: int
    transaction: int
    unit: int


@dataclass
class Pdu:
    """One request or response.

    Args:
        peers: client, server, transaction and unit.
        request: False for a response.
        time: microseconds since 1970.
        frames: the frames that hold it.
        function: function code without the exception bit.
        values: register values, or coils as 0 and 1 (a response's coils fill whole bytes).
    """

    peers: Peers
    request: bool
    time: int
    frames: list[int]
    function: int
    values: list[int] | None = None
    fields: dict[str, int | None] = field(default_factory=dict)
    exception: int | None = None


class MalformedPdu(ValueError):
    """A PDU that tshark could not dissect, or that contradicts itself."""


def direction(frame: Frame, body: Tree, ports: frozenset[int]) -> bool:
    """True for a request: it goes to a Modbus port.

    Between two Modbus ports only what tshark says of the PDU tells: it names the request of a response.
    """
    if (frame.source_port in ports) == (frame.destination_port in ports):
        return text(body, "modbus.request_frame") is None and text(body, "modbus.exception_code") is None
    return frame.destination_port in ports


def peers(frame: Frame, transaction: int, unit: int, request: bool) -> Peers:
    """Client and server of a frame by its direction."""
    ends = (frame.source, frame.source_port, frame.destination, frame.destination_port)
    if not request:
        ends = (*ends[2:], *ends[:2])
    return Peers(*ends, transaction, unit)


def read_pdu(frame: Frame, header: Tree, body: Tree, ports: frozenset[int]) -> Pdu:
    """One PDU from its two layers, `mbtcp` and `modbus`.

    Raises:
        MalformedPdu: a field that every PDU has is absent or out of range.
    """
    transaction = integer(text(header, "mbtcp.trans_id"), 0xFFFF)
    unit = integer(text(header, "mbtcp.unit_id"), 0xFF)
    function = integer(text(body, "modbus.func_code"), 0xFF)
    if transaction is None or unit is None or function is None or min(transaction, unit, function) < 0:
        raise MalformedPdu("no transaction, unit or function")
    protocol, length = integer(text(header, "mbtcp.prot_id")), integer(text(header, "mbtcp.len"))
    if protocol != 0:
        raise MalformedPdu(f"MBAP protocol identifier {protocol}")
    if length is None or not 2 <= length <= MAX_LENGTH:
        raise MalformedPdu(f"MBAP length {length}")
    request = direction(frame, body, ports)
    pdu = Pdu(peers(frame, transaction, unit, request), request, frame.time, frame.take_frames(), function)
    pdu.exception = integer(text(body, "modbus.exception_code"), 0xFF)
    _read_body(pdu, body)
    return pdu


def _read_body(pdu: Pdu, body: Tree) -> None:
    got: dict[str, Any] = {}
    values: list[int] = []
    for name, value in body:
        if isinstance(value, tuple):
            number = integer(text(value, "modbus.regval_uint16"), 0xFFFF)
            if number is None:
                number = integer(text(value, "modbus.bitval"), 1)
            if number is not None:
                values.append(number)
        else:
            got.setdefault(name, value)
    word = {name: integer(got.get(name), 0xFFFF) for name in _FIELDS}
    pdu.fields = {ours: word[theirs] for theirs, ours in _FIELDS.items() if word[theirs] is not None}
    if pdu.function in (5, 6) and "address" in pdu.fields:
        pdu.fields["quantity"] = 1
    data = octets(got.get("modbus.data"))
    match pdu.function:
        case 1 | 2 | 3 | 4:
            pdu.values = values or None
        case 5 if data:
            pdu.values = [_coil(int.from_bytes(data[:2]))]
        case 6 if data:
            pdu.values = [int.from_bytes(data[:2])]
        case 15 if data:
            count = pdu.fields.get("quantity") or 0
            pdu.values = [data[i >> 3] >> (i & 7) & 1 for i in range(min(count, 8 * len(data)))]
        case 16:
            pdu.values = values or None
        case 23 | 24 if data:
            pdu.values = [int.from_bytes(data[i : i + 2]) for i in range(0, len(data) - 1, 2)]


_FIELDS: Final = {
    "modbus.reference_num": "address",
    "modbus.read_reference_num": "address",
    "modbus.bit_cnt": "quantity",
    "modbus.word_cnt": "quantity",
    "modbus.read_word_cnt": "quantity",
    "modbus.write_reference_num": "write_address",
    "modbus.and_mask": "and_mask",
    "modbus.or_mask": "or_mask",
    "modbus.diagnostic_code": "subfunction",
    "modbus.mei": "mei_type",
}


def _coil(word: int) -> int:
    """0xFF00 is on, 0x0000 off; any other value is illegal and kept as it is."""
    return 1 if word == 0xFF00 else word


def mbap_fault(payload: bytes) -> str | None:
    """Why a segment on a Modbus port cannot begin with a PDU; None where it can."""
    if len(payload) < MBAP + 1:
        return f"{len(payload)} bytes are shorter than any PDU"
    protocol, length = int.from_bytes(payload[2:4]), int.from_bytes(payload[4:6])
    if protocol != 0:
        return f"MBAP protocol identifier {protocol}"
    if not 2 <= length <= MAX_LENGTH:
        return f"MBAP length {length}"
    if length + 6 < len(payload):
        return f"MBAP length {length}, the segment holds {len(payload) - 6} bytes after it"
    return None
