"""MMS messages as tshark dissects them (ISO 9506-2; IEC 61850-8-1), and associations that ACSE refuses (ISO 8650-1)."""

from collections.abc import Iterator
from typing import Any, Final

from ingest.source import Record
from ingest.tap.frame import MAX_INT64, Frame, Tree, child, has, integer, printable, text
from schemas.records import MMS
from schemas.records.mms import PDUS

#: What tshark calls the PDUs.
_ELEMENTS: Final = {
    "confirmed_RequestPDU": "confirmed_request",
    "confirmed_ResponsePDU": "confirmed_response",
    "confirmed_ErrorPDU": "confirmed_error",
    "unconfirmed_PDU": "unconfirmed",
    "rejectPDU": "reject",
    "cancel_RequestPDU": "cancel_request",
    "cancel_ResponsePDU": "cancel_response",
    "cancel_ErrorPDU": "cancel_error",
    "initiate_RequestPDU": "initiate_request",
    "initiate_ResponsePDU": "initiate_response",
    "initiate_ErrorPDU": "initiate_error",
    "conclude_RequestPDU": "conclude_request",
    "conclude_ResponsePDU": "conclude_response",
    "conclude_ErrorPDU": "conclude_error",
}
assert set(_ELEMENTS.values()) < set(PDUS)
#: The confirmed services by their number in ISO 9506-2, those that devices know.
SERVICES: Final = {
    0: "status",
    1: "getNameList",
    2: "identify",
    3: "rename",
    4: "read",
    5: "write",
    6: "getVariableAccessAttributes",
    7: "defineNamedVariable",
    10: "deleteVariableAccess",
    11: "defineNamedVariableList",
    12: "getNamedVariableListAttributes",
    13: "deleteNamedVariableList",
    26: "initiateDownloadSequence",
    27: "downloadSegment",
    28: "terminateDownloadSequence",
    29: "initiateUploadSequence",
    30: "uploadSegment",
    31: "terminateUploadSequence",
    36: "deleteDomain",
    37: "getDomainAttributes",
    40: "start",
    41: "stop",
    42: "resume",
    43: "reset",
    44: "kill",
    46: "obtainFile",
    64: "readJournal",
    65: "writeJournal",
    66: "initializeJournal",
    71: "getCapabilityList",
    72: "fileOpen",
    73: "fileRead",
    74: "fileClose",
    75: "fileRename",
    76: "fileDelete",
    77: "fileDirectory",
}
UNCONFIRMED: Final = {0: "informationReport", 1: "unsolicitedStatus", 2: "eventNotification"}
#: Most objects kept of a message, and longest name (characters): an MMS identifier has 129 at most.
MAX_OBJECTS: Final = 256
MAX_NAME: Final = 300
_MAX_DEPTH: Final = 32
_CONTROL: Final = "$CO$"


class MalformedMms(ValueError):
    """A message of no kind that MMS knows."""


def read_mms(frame: Frame, layer: Tree, site: str, capture: str | None) -> Record:
    """One message.

    Raises:
        MalformedMms: it is none of MMS's PDUs, or a confirmed one has no invoke identifier.
    """
    found = ((name.removeprefix("mms.").removesuffix("_element"), value) for name, value in layer)
    name, body = next(((name, value) for name, value in found if name in _ELEMENTS), ("", ()))
    if not name:
        raise MalformedMms("no MMS PDU")
    pdu, tree = _ELEMENTS[name], body if isinstance(body, tuple) else ()
    fields: dict[str, Any] = {
        **_ends(frame, site, capture),
        "pdu": pdu,
        "invoke_id": _number(text(tree, "mms.invokeID") or text(tree, "mms.originalInvokeID")),
        "control": False,
    }
    if pdu.startswith("confirmed") and fields["invoke_id"] is None:
        raise MalformedMms("no invoke identifier")
    if pdu in ("confirmed_request", "unconfirmed"):
        fields |= _request(tree, pdu)
    elif pdu == "confirmed_response":
        fields |= _response(tree)
    elif pdu.endswith("error"):
        fields |= _error(tree)
    return Record(MMS, {**fields, "frames": frame.take_frames()})


def read_association(frame: Frame, layer: Tree, site: str, capture: str | None) -> Record | None:
    """An association that is refused or aborted; None where ACSE says anything else."""
    result = _number(text(child(layer, "acse.aare_element"), "acse.result"))
    aborted = has(layer, "acse.abrt_element", 1)
    if not aborted and not result:
        return None
    fields = {
        **_ends(frame, site, capture),
        "pdu": "association_aborted" if aborted else "association_refused",
        "control": False,
        "error_code": None if aborted else result,
    }
    return Record(MMS, {**fields, "frames": frame.take_frames()})


def _ends(frame: Frame, site: str, capture: str | None) -> dict[str, Any]:
    return {
        "time": frame.time,
        "site": site,
        "source": frame.source,
        "source_port": frame.source_port,
        "destination": frame.destination,
        "destination_port": frame.destination_port,
        "capture": capture,
    }


def _request(tree: Tree, pdu: str) -> dict[str, Any]:
    if pdu == "unconfirmed":
        number = _number(text(tree, "mms.unconfirmedService"), 255)
        service = None if number is None else UNCONFIRMED.get(number, f"unconfirmed {number}")
    else:
        service = _service(text(tree, "mms.confirmedServiceRequest"))
    objects = list(_objects(tree))
    return {
        "service": service,
        "objects": objects or None,
        "object_class": next((_number(v, 255) for name, v in _walk(tree) if name == "mms.objectClass"), None),
        "control": service == "write" and any(_CONTROL in f"{name}$" for name in objects),
    }


def _response(tree: Tree) -> dict[str, Any]:
    service = _service(text(tree, "mms.confirmedServiceResponse"))
    failures = None
    if service in ("read", "write"):
        failures = min(sum(name == "mms.failure" for name, _ in _walk(tree)), 2**31 - 1)
    return {"service": service, "failures": failures}


def _error(tree: Tree) -> dict[str, Any]:
    errors = child(tree, "mms.serviceError_element") or tree
    classes = child(errors, "mms.errorClass_tree")
    return {
        "error_class": _number(text(errors, "mms.errorClass"), 255),
        "error_code": next((_number(value, 65_535) for _, value in classes if isinstance(value, str)), None),
    }


def _service(value: str | None) -> str | None:
    number = _number(value, 255)
    return None if number is None else SERVICES.get(number, f"service {number}")


def _number(value: str | None, highest: int = MAX_INT64) -> int | None:
    number = integer(value, highest)
    return number if number is not None and number >= 0 else None


def _objects(tree: Tree) -> Iterator[str]:
    """The names in a message, in its order."""
    count, domain = 0, ""
    for name, value in _walk(tree):
        match name:
            case "mms.domainId":
                domain = value
                continue
            case "mms.itemId":
                found = f"{domain}/{value}"
            case "mms.domainSpecific":
                found = f"{value}/"
            case "mms.vmd_specific" | "mms.aa_specific" | "mms.FileName_item":
                found = value
            case _:
                continue
        yield printable(found[:MAX_NAME])
        count += 1
        if count == MAX_OBJECTS:
            return


def _walk(tree: Tree, depth: int = _MAX_DEPTH) -> Iterator[tuple[str, str]]:
    """All values of a tree in its order."""
    for name, value in tree:
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, tuple) and depth:
            yield from _walk(value, depth - 1)
