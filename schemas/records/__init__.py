"""Every record type, one literal each; `ALL` is the explicit list."""

from schemas.records.alert import ALERT as ALERT
from schemas.records.cam import CAM as CAM
from schemas.records.can_frame import CAN_FRAME as CAN_FRAME
from schemas.records.charger_status import CHARGER_STATUS as CHARGER_STATUS
from schemas.records.concentrator_link import CONCENTRATOR_LINK as CONCENTRATOR_LINK
from schemas.records.deadletter import DEADLETTER as DEADLETTER
from schemas.records.denm import DENM as DENM
from schemas.records.der_command import DER_COMMAND as DER_COMMAND
from schemas.records.dlms_session import DLMS_SESSION as DLMS_SESSION
from schemas.records.dnp3 import DNP3 as DNP3
from schemas.records.dns_query import DNS_QUERY as DNS_QUERY
from schemas.records.feeder_measurement import FEEDER_MEASUREMENT as FEEDER_MEASUREMENT
from schemas.records.firmware_report import FIRMWARE_REPORT as FIRMWARE_REPORT
from schemas.records.fleet_request import FLEET_REQUEST as FLEET_REQUEST
from schemas.records.flow import FLOW as FLOW
from schemas.records.gnss import GNSS as GNSS
from schemas.records.goose import GOOSE as GOOSE
from schemas.records.headend_command import HEADEND_COMMAND as HEADEND_COMMAND
from schemas.records.home_event import HOME_EVENT as HOME_EVENT
from schemas.records.home_flow import HOME_FLOW as HOME_FLOW
from schemas.records.iec104 import IEC104 as IEC104
from schemas.records.igmp import IGMP as IGMP
from schemas.records.key_request import KEY_REQUEST as KEY_REQUEST
from schemas.records.map import MAP as MAP
from schemas.records.meter_event import METER_EVENT as METER_EVENT
from schemas.records.meter_reading import METER_READING as METER_READING
from schemas.records.mms import MMS as MMS
from schemas.records.mobile_signalling import MOBILE_SIGNALLING as MOBILE_SIGNALLING
from schemas.records.mobile_usage import MOBILE_USAGE as MOBILE_USAGE
from schemas.records.modbus import MODBUS as MODBUS
from schemas.records.multicast_flow import MULTICAST_FLOW as MULTICAST_FLOW
from schemas.records.ota_event import OTA_EVENT as OTA_EVENT
from schemas.records.point import POINT as POINT
from schemas.records.rsu_radio import RSU_RADIO as RSU_RADIO
from schemas.records.sensor_packet import SENSOR_PACKET as SENSOR_PACKET
from schemas.records.sensor_reading import SENSOR_READING as SENSOR_READING
from schemas.records.sensor_route import SENSOR_ROUTE as SENSOR_ROUTE
from schemas.records.signal_controller import SIGNAL_CONTROLLER as SIGNAL_CONTROLLER
from schemas.records.spat import SPAT as SPAT
from schemas.records.ts_monitor import TS_MONITOR as TS_MONITOR
from schemas.records.uds import UDS as UDS
from schemas.records.v2x_security import V2X_SECURITY as V2X_SECURITY
from schemas.types import Domain, Schema

TELEMETRY: tuple[Schema, ...] = (
    METER_READING,
    METER_EVENT,
    HEADEND_COMMAND,
    DLMS_SESSION,
    FIRMWARE_REPORT,
    FEEDER_MEASUREMENT,
    CONCENTRATOR_LINK,
    DER_COMMAND,
    CHARGER_STATUS,
    MODBUS,
    IEC104,
    GOOSE,
    DNP3,
    MMS,
    FLOW,
    POINT,
    CAM,
    V2X_SECURITY,
    DENM,
    SPAT,
    MAP,
    SIGNAL_CONTROLLER,
    RSU_RADIO,
    GNSS,
    CAN_FRAME,
    UDS,
    OTA_EVENT,
    FLEET_REQUEST,
    SENSOR_ROUTE,
    SENSOR_PACKET,
    SENSOR_READING,
    HOME_EVENT,
    HOME_FLOW,
    DNS_QUERY,
    MOBILE_SIGNALLING,
    MOBILE_USAGE,
    IGMP,
    MULTICAST_FLOW,
    TS_MONITOR,
    KEY_REQUEST,
)
#: What detectors read.
DETECTED: tuple[Schema, ...] = (*TELEMETRY, ALERT)
ALL: tuple[Schema, ...] = (*TELEMETRY, DEADLETTER, ALERT)
BY_NAME: dict[str, Schema] = {schema.name: schema for schema in ALL}


def of_domain(domain: Domain) -> tuple[Schema, ...]:
    """The record types that a domain's topic carries, in the order of `DETECTED`."""
    return tuple(schema for schema in DETECTED if schema.domain is domain)
