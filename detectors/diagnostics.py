"""Unified diagnostic services (ISO 14229-1): what detectors of their misuse share."""

import polars as pl

#: Negative response codes of SecurityAccess: invalid key, too many attempts, required time delay not expired.
KEY_REFUSED = (0x35, 0x36, 0x37)
#: Negative response codes of one who tries what there is: service, sub-function or range not supported, access denied.
NOT_THERE = (0x11, 0x12, 0x31, 0x33, 0x7E, 0x7F)
SESSION, RESET, SECURITY_ACCESS = 0x10, 0x11, 0x27
#: Services that change a control unit: CommunicationControl, WriteDataByIdentifier, InputOutputControl, RoutineControl, RequestDownload,
#: RequestUpload, TransferData, RequestFileTransfer, WriteMemoryByAddress, ControlDTCSetting.
CHANGES = (0x28, 0x2E, 0x2F, 0x31, 0x34, 0x35, 0x36, 0x38, 0x3D, 0x85)
NAMES = {
    0x10: "DiagnosticSessionControl",
    0x11: "ECUReset",
    0x14: "ClearDiagnosticInformation",
    0x19: "ReadDTCInformation",
    0x22: "ReadDataByIdentifier",
    0x23: "ReadMemoryByAddress",
    0x27: "SecurityAccess",
    0x28: "CommunicationControl",
    0x2E: "WriteDataByIdentifier",
    0x2F: "InputOutputControlByIdentifier",
    0x31: "RoutineControl",
    0x34: "RequestDownload",
    0x35: "RequestUpload",
    0x36: "TransferData",
    0x38: "RequestFileTransfer",
    0x3D: "WriteMemoryByAddress",
    0x3E: "TesterPresent",
    0x85: "ControlDTCSetting",
}


def changes(service: pl.Expr, subfunction: pl.Expr) -> pl.Expr:
    """True for a service that changes a control unit, opens a programming session (sub-function 2) or resets it."""
    programming = (service == SESSION) & (subfunction.fill_null(1) == 2)
    return (service.is_in([*CHANGES, RESET]) | programming).fill_null(False)


def named(service: pl.Expr) -> pl.Expr:
    """The service's name, else its number."""
    number = pl.format("service {}", service)
    return service.replace_strict(NAMES, default=None, return_dtype=pl.String).fill_null(number)
