"""An MMS message (ISO 9506-2) as IEC 61850-8-1 uses it, or the end of an association (ISO 8650, ACSE)."""

from schemas.types import Domain, Field, ListOf, Scalar, Schema, origin

#: The PDUs of MMS, and what ACSE tells of an association.
PDUS = (
    *("confirmed_request", "confirmed_response", "confirmed_error", "unconfirmed", "reject"),
    *("cancel_request", "cancel_response", "cancel_error"),
    *("initiate_request", "initiate_response", "initiate_error"),
    *("conclude_request", "conclude_response", "conclude_error"),
    *("association_refused", "association_aborted"),
)

MMS = Schema(
    name="mms",
    domain=Domain.SUBSTATION,
    says="One MMS message, or an association that ACSE refuses or aborts.",
    locality="site",
    identity=("source", "destination", "pdu", "service", "invoke_id", "frames"),
    fields=(
        Field("time", Scalar.TIME, "when the message was seen"),
        Field("site", Scalar.STRING, "substation the tap stands in"),
        Field("source", Scalar.STRING, "address of the sender"),
        Field("source_port", Scalar.INT, "TCP port of the sender", low=0, high=65535),
        Field("destination", Scalar.STRING, "address of the receiver"),
        Field("destination_port", Scalar.INT, "TCP port of the receiver", low=0, high=65535),
        Field("pdu", Scalar.STRING, "kind of the message", one_of=PDUS),
        Field(
            "service",
            Scalar.STRING,
            "confirmed or unconfirmed service, as ISO 9506-2 names it: read, write, getNameList, informationReport, ...",
            nullable=True,
        ),
        Field("invoke_id", Scalar.LONG, "invoke identifier that joins a request and its response", nullable=True),
        Field(
            "object_class", Scalar.INT, "class of getNameList: 0 variables, 2 variable lists, 9 domains", nullable=True
        ),
        Field(
            "objects",
            ListOf(Scalar.STRING),
            "what a request or report is about, the first 256: domain/item (LD/LN$FC$DO$DA), domain/, or a file name",
            nullable=True,
        ),
        Field("control", Scalar.BOOL, "True for a write to an IEC 61850 control object (functional constraint CO)"),
        Field("failures", Scalar.INT, "accesses that a read or write response refuses", nullable=True, low=0),
        Field("error_class", Scalar.INT, "error class of an error PDU, as ISO 9506-2 numbers it", nullable=True),
        Field("error_code", Scalar.INT, "error code within the class, or ACSE's result of a refusal", nullable=True),
        *origin(),
    ),
)
