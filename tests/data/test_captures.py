"""The tap on public captures that nobody here wrote."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.recognise import Kind, recognise
from ingest.source import Record, Refused
from ingest.tap import read_capture
from ingest.tap.decode import MALFORMED, NOT_DISSECTED, RETRANSMISSION
from schemas.records import MODBUS
from schemas.wire import encode

MASTER = "192.168.1.100"
ICSNPP = "modbus_samples/icsnpp"

#: Capture -> records by type, joined Modbus transactions, dead letters by reason.
CAPTURES: dict[str, dict[str, int]] = {
    "modbus_samples/ModbusTCP.pcap": {"modbus": 7993, "joined": 7983, "flow": 1},
    "modbus_samples/fuzz-1011.pcap": {"modbus": 4, RETRANSMISSION: 1},
    "modbus_samples/fuzz-72.pcap": {"modbus": 18, MALFORMED: 3, NOT_DISSECTED: 2, RETRANSMISSION: 2, "flow": 1},
    "modbus_samples/modbusBig.pcap": {"modbus": 2775, "joined": 2773},
    "modbus_samples/modbusSmall.pcap": {"flow": 16, "modbus": 16, "joined": 16},
    "modbus_samples/modbus_test.pcap": {"modbus": 1145, "joined": 1113},
    "modbus_samples/modbus_test_2.pcap": {"modbus": 2383, "joined": 1592},
    "modbus_samples/modbus_test_data_part1.pcap": {"flow": 4, "modbus": 29, "joined": 16, MALFORMED: 5},
    "modbus_samples/modbus_test_data_part2.pcap": {"flow": 2, "modbus": 141, "joined": 138, MALFORMED: 2},
    "modbus_samples/icsnpp/modbus_example.pcap": {"flow": 1, "modbus": 24, "joined": 24},
    "modbus_samples/suricata/modbus.pcap": {"flow": 4, "modbus": 23, "joined": 16, MALFORMED: 4},
    "modbus_lemay/moving_two_files_modbus_6RTU.pcap": {"flow": 360, "modbus": 360, "joined": 360},
    "iec104_normal/090813_diverse.pcap": {"iec104": 91},
    "iec104_normal/JavaRMI_and_IEC_Misc.pcap": {"flow": 2, "iec104": 424, RETRANSMISSION: 1},
    "iec104_normal/TestDissectIec104.pcap": {"flow": 6, "iec104": 70, NOT_DISSECTED: 4, MALFORMED: 16},
    "iec104_normal/iec104.pcap": {"flow": 1, "iec104": 199},
    "iec104_threat/stage_1_T0888.pcap": {"iec104": 37},
    "iec104_threat/stage_2_T0801.pcap": {"iec104": 300},
    "iec104_threat/stage_5_T0806.pcap": {"iec104": 1901},
    "iec104_threat/stage_7_T0855.pcap": {"iec104": 10},
    "goose_zss/dev_pcap/8222a.pcapng": {"goose": 640},
    "iec61850_samples/GOOSE.pcap": {"goose": 8},
    "iec61850_samples/GOOSE_DEMO.pcap": {"goose": 1},
    "iec61850_samples/Sample_File_GOOSE.pcap": {"goose": 451},
    "iec61850_samples/Sample_File_MMS_and_GOOSE.pcap": {"mms": 36, "goose": 34, "flow": 2},
    "iec61850_samples/mms/obtainFile.pcap": {"flow": 1, "mms": 10},
    "iec61850_samples/mms/read.pcap": {"flow": 2, "mms": 4},
    "iec61850_samples/mms/write.pcap": {"flow": 1, "mms": 2},
    "dnp3_samples/cold_restart_and_response.pcap": {"flow": 1, "dnp3": 2},
    "dnp3_samples/direct_operate_crob_malform_but_good_crc.pcap": {MALFORMED: 1},
    "dnp3_samples/dnp3_test_data_part1.pcap": {"flow": 8, "dnp3": 93, MALFORMED: 2},
    "dnp3_samples/dnp3_test_data_part2.pcap": {"dnp3": 22},
    "dnp3_samples/file_delete.pcap": {"dnp3": 2},
    "dnp3_samples/select_operate_and_responses.pcap": {"flow": 1, "dnp3": 4},
    "dnp3_samples/warm_restart_and_response.pcap": {"flow": 1, "dnp3": 2},
    "dnp3_samples/icsnpp/dnp3_example.pcap": {"dnp3": 728, NOT_DISSECTED: 9},
    "dnp3_samples/suricata/dnp3-eve.pcap": {"flow": 2, "dnp3": 72},
    "dnp3_samples/suricata/dnp3-file-del.pcap": {"flow": 1, "dnp3": 2},
    "dnp3_samples/suricata/dnp3-flood.pcap": {"flow": 1, "dnp3": 33},
    "dnp3_samples/suricata/dnp3-max-objects.pcap": {"flow": 2, "dnp3": 72},
    "dnp3_samples/suricata/dnp3-select-operate.pcap": {"flow": 1, "dnp3": 4},
    "dnp3_samples/suricata/dnp3-write.pcap": {"flow": 1, "dnp3": 2},
    "dnp3_qut2017/attacks_training_infrequent.attacker_view.pcap": {
        "flow": 115,
        "dnp3": 1992,
        NOT_DISSECTED: 3,
        RETRANSMISSION: 174,
    },
    "dnp3_qut2017/control_training_infrequent.attacker_view.pcap": {},
    "dnp3_qut2017/injection_training_frequent.attacker_view.pcap": {
        "flow": 78,
        "dnp3": 376,
        RETRANSMISSION: 73,
        NOT_DISSECTED: 1,
    },
    "dnp3_qut2017/masquerading_training_frequent.attacker_view.pcap": {
        "flow": 241,
        "dnp3": 17559,
        NOT_DISSECTED: 27,
        RETRANSMISSION: 110,
    },
    "dnp3_qut2017/mitm_training_frequent.attacker_view.pcap": {"flow": 1097, "dnp3": 2464, RETRANSMISSION: 2566},
    "dnp3_qut2017/replay_training_frequent.attacker_view.pcap": {
        "flow": 125,
        "dnp3": 1116,
        RETRANSMISSION: 35,
        NOT_DISSECTED: 19,
    },
}
FOLDERS = (
    *("modbus_samples", "modbus_lemay", "iec104_normal", "iec104_threat", "goose_zss/dev_pcap", "iec61850_samples"),
    "dnp3_samples",
)


def counted(path: Path) -> dict[str, int]:
    counts: dict[str, int] = {}

    def count(what: str) -> None:
        counts[what] = counts.get(what, 0) + 1

    before = 0
    for item in read_capture(path, "site-1"):
        if isinstance(item, Refused):
            assert item.frame is not None
            count(item.reason)
            continue
        encode(item.schema, item.fields)
        assert item.fields["time"] >= before
        before = item.fields["time"]
        count(item.schema.name)
        if item.fields.get("requested") and item.fields.get("responded"):
            count("joined")
    return counts


@pytest.mark.parametrize("name", CAPTURES)
def test_each_capture_gives_what_it_holds(name: str, shared_data: Path) -> None:
    assert counted(shared_data / name) == CAPTURES[name]


def test_every_capture_of_these_folders_is_read(shared_data: Path) -> None:
    others = [
        path
        for folder in FOLDERS
        for path in sorted((shared_data / folder).rglob("*.pcap*"))
        if str(path.relative_to(shared_data)) not in CAPTURES
    ]
    assert others
    for path in others:
        assert recognise(path) in (Kind.PCAP, Kind.PCAPNG)
        if "characterization" not in path.name:
            assert set(counted(path)) <= {"mms", "flow"}, path


def test_every_attack_frame_of_the_bench_is_in_a_record(shared_data: Path) -> None:
    """6,689 of the 6,719 labelled packets carry Modbus; the other 30 are bare TCP, which is no telemetry."""
    bench = shared_data / "modbus_lemay"
    name = "characterization_modbus_6RTU_with_operate"
    with (bench / f"{name}_labeled.csv").open() as table:
        labelled = {int(row[0]): row[1] == "1" for row in csv.reader(table, delimiter=";") if row and row[0].isdigit()}
    foreign: set[int] = set()
    of_master: set[int] = set()
    for item in read_capture(bench / f"{name}.pcap", "bench"):
        assert isinstance(item, Record)
        if item.schema is not MODBUS:
            continue
        fields = item.fields
        (of_master if fields["client"] == MASTER else foreign).update(fields["frames"])
        assert fields["server"] != MASTER
    assert not foreign & of_master
    assert len(foreign) == 6_689
    assert all(labelled[frame] for frame in foreign)
    assert not any(labelled[frame] for frame in of_master)
    assert sum(labelled.values()) == 6_719


# --- parity with Zeek's ICSNPP analyser -------------------------------------------------------------------------------

FUNCTIONS = {
    "READ_COILS": 1,
    "READ_DISCRETE_INPUTS": 2,
    "READ_HOLDING_REGISTERS": 3,
    "READ_INPUT_REGISTERS": 4,
    "WRITE_SINGLE_COIL": 5,
    "WRITE_SINGLE_REGISTER": 6,
    "READ_EXCEPTION_STATUS": 7,
    "DIAGNOSTICS": 8,
    "WRITE_MULTIPLE_COILS": 15,
    "WRITE_MULTIPLE_REGISTERS": 16,
    "REPORT_SLAVE_ID": 17,
    "READ_FILE_RECORD": 20,
    "WRITE_FILE_RECORD": 21,
    "MASK_WRITE_REGISTER": 22,
    "READ_WRITE_MULTIPLE_REGISTERS": 23,
    "READ_FIFO_QUEUE": 24,
    "ENCAP_INTERFACE_TRANSPORT": 43,
}
EXCEPTIONS = {"ILLEGAL_DATA_ADDRESS": 2}
SUBFUNCTIONS = {"Return Diagnostic Register": 2}
MEI_TYPES = {"Read Device Identification": 14}


def zeek(path: Path) -> Iterator[dict[str, str | None]]:
    """The rows of a Zeek log; "-" is None."""
    names: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("#fields"):
            names = line.split("\t")[1:]
        elif not line.startswith("#"):
            yield {n: None if v == "-" else v for n, v in zip(names, line.split("\t"), strict=True)}


def number(value: str | None) -> int | None:
    return None if value is None else int(value)


def numbers(value: str | None) -> list[int] | None:
    return None if value is None else [int(part) for part in value.split(",")]


@pytest.fixture(scope="module")
def ours(shared_data: Path) -> list[dict[str, Any]]:
    items = list(read_capture(shared_data / ICSNPP / "modbus_example.pcap", "s"))
    return [item.fields for item in items if isinstance(item, Record) and item.schema is MODBUS]


def test_records_agree_with_zeek_field_by_field(shared_data: Path, ours: list[dict[str, Any]]) -> None:
    """All of id.orig_h, id.orig_p, id.resp_h, id.resp_p, tid, unit, func, address, quantity, request_values,
    response_values, matched, request_subfunction_code, response_subfunction_code, exception_code, mei_type.

    Times and uids are masked in the log, so rows are aligned in order. Four differences of representation, no others:

    - Zeek writes functions 7 and 17 as two rows, request and response, without `matched`; they are one record here.
    - Zeek's quantity of functions 20 and 21 is the byte count of the PDU; ours counts coils and registers, so it is
      null.
    - Zeek writes mask (22) and read/write (23) details into logs of their own, which the next test compares.
    - request_data and response_data (raw bytes of diagnostics and bits beyond the quantity) have no field here.
    """
    rows = list(zeek(shared_data / ICSNPP / "modbus_detailed.log"))
    joined = [row for at, row in enumerate(rows) if not (at and row == rows[at - 1] and row["matched"] is None)]
    assert len(rows) - len(joined) == 2
    assert len(joined) == len(ours)
    for row, record in zip(joined, ours, strict=True):
        function = FUNCTIONS[row["func"] or ""]
        theirs = {
            "client": row["id.orig_h"],
            "client_port": number(row["id.orig_p"]),
            "server": row["id.resp_h"],
            "server_port": number(row["id.resp_p"]),
            "transaction": number(row["tid"]),
            "unit": number(row["unit"]),
            "function": function,
            "exception": None if row["exception_code"] is None else EXCEPTIONS[row["exception_code"]],
            "mei_type": None if row["mei_type"] is None else MEI_TYPES[row["mei_type"]],
        }
        assert row["request_subfunction_code"] == row["response_subfunction_code"]
        subfunction = row["request_subfunction_code"]
        theirs["subfunction"] = None if subfunction is None else SUBFUNCTIONS[subfunction]
        if function != 23:
            theirs["address"] = number(row["address"])
            theirs["request_values"] = numbers(row["request_values"])
            theirs["response_values"] = numbers(row["response_values"])
        if function not in (20, 21, 23):
            theirs["quantity"] = number(row["quantity"])
        assert {name: record.get(name) for name in theirs} == theirs
        matched = row["matched"] == "T" or function in (7, 17)
        assert (record["requested"] and record["responded"]) is matched


def test_masks_and_combined_writes_agree_with_zeek(shared_data: Path, ours: list[dict[str, Any]]) -> None:
    masks = [r for r in ours if r["function"] == 22]
    rows = [
        r for r in zeek(shared_data / ICSNPP / "modbus_mask_write_register.log") if r["request_response"] == "REQUEST"
    ]
    assert [(r["transaction"], r["unit"], r["address"], r["and_mask"], r["or_mask"]) for r in masks] == [
        tuple(number(row[name]) for name in ("tid", "unit", "address", "and_mask", "or_mask")) for row in rows
    ]
    combined = [r for r in ours if r["function"] == 23]
    log = list(zeek(shared_data / ICSNPP / "modbus_read_write_multiple_registers.log"))
    for record, request, response in zip(combined, log[::2], log[1::2], strict=True):
        assert record["transaction"] == number(request["tid"]) == number(response["tid"])
        assert record["write_address"] == number(request["write_start_address"])
        assert record["request_values"] == numbers(request["write_registers"])
        assert record["address"] == number(request["read_start_address"])
        assert record["quantity"] == number(request["read_quantity"])
        assert record["response_values"] == numbers(response["read_registers"])


# --- parity with Zeek's own DNP3 analyser and ICSNPP's, which logs the commands ------------------------------------------

DNP3_ICSNPP = "dnp3_samples/icsnpp"
DNP3_FUNCTIONS = {"READ": 1, "SELECT": 3, "OPERATE": 4, "RESPONSE": 129, "UNSOLICITED_RESPONSE": 130}
OPERATIONS = {"Nul": 0, "Pulse On": 1, "Pulse Off": 2, "Latch On": 3, "Latch Off": 4}
TRIPS = {"Nul": 0, "Close": 1, "Trip": 2}
STATUSES = {"Success": 0}


def test_dnp3_commands_agree_with_zeek(shared_data: Path) -> None:
    """All of source, destination, function, index, trip-close code, operation and status of each of 534 points."""
    folder = shared_data / DNP3_ICSNPP
    records = [item.fields for item in read_capture(folder / "dnp3_example.pcap", "s") if isinstance(item, Record)]
    ours = Counter(
        (r["source"], r["source_port"], r["destination"], r["destination_port"], r["function"], *point)
        for r in records
        if "points" in r
        for point in zip(r["points"], r["trips"], r["operations"], r["statuses"], strict=True)
    )
    theirs = Counter(
        (
            *(row["source_h"], number(row["source_p"]), row["destination_h"], number(row["destination_p"])),
            DNP3_FUNCTIONS[row["function_code"] or ""],
            *(number(row["index_number"]), TRIPS[row["trip_control_code"] or ""]),
            *(OPERATIONS[row["operation_type"] or ""], STATUSES[row["status_code"] or "Success"]),
        )
        for row in zeek(folder / "dnp3_control.log")
    )
    assert theirs.total() == 534
    # tshark does not join link frames whose transport sequence runs over from 63 to 0.
    assert (ours - theirs, (theirs - ours).total()) == (Counter(), 1)


def test_dnp3_functions_agree_with_zeek(shared_data: Path) -> None:
    """Zeek joins requests and responses and loses some requests; five responses run over the transport sequence's end."""
    folder = shared_data / DNP3_ICSNPP
    records = [item.fields for item in read_capture(folder / "dnp3_example.pcap", "s") if isinstance(item, Record)]
    rows = list(zeek(folder / "dnp3.log"))
    ours = Counter(r["function"] for r in records if r.get("function"))
    theirs = Counter(
        DNP3_FUNCTIONS[row[column] or ""] for row in rows for column in ("fc_request", "fc_reply") if row[column]
    )
    assert theirs - ours == {129: 4, 130: 1}
    assert set(ours - theirs) == {3, 4}
