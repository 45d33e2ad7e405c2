"""The tap: Modbus/TCP, IEC 60870-5-104, DNP3 and GOOSE from capture files and live interfaces, dissected by tshark."""

from ingest.tap.decode import Ports
from ingest.tap.tshark import TapOptions, read_capture, read_interface

__all__ = ["Ports", "TapOptions", "read_capture", "read_interface"]
