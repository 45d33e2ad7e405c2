"""The tap: Modbus/TCP, IEC 60870-5-104, DNP3, MMS, GOOSE and attempts to connect, from captures and live interfaces, by tshark."""

from ingest.tap.decode import Ports
from ingest.tap.tshark import TapOptions, read_capture, read_interface

__all__ = ["Ports", "TapOptions", "read_capture", "read_interface"]
