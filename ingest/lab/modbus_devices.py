"""The Modbus devices of the lab's substation: two feeder bays and an RTU, served by pymodbus out of the model.

Registers are filled from the model whenever they are read, and writes go to the model: what a client opens, carries no
current.
"""

import struct
from collections.abc import Callable
from typing import Any, Final

from pymodbus import ModbusDeviceIdentification
from pymodbus.constants import ExcCodes
from pymodbus.simulator import DataType, SimData, SimDevice

from ingest.lab.grid import SETPOINT_RANGE, Grid

UNIT: Final = 1
#: Coil and discrete input 0 of a bay: breaker closed. Holding 0: pick-up current of the protection.
BREAKER: Final = 0
PICKUP: Final = 0
#: Holding 0 of the RTU: set-point of the busbar voltage, 10 V.
SETPOINT: Final = 0
_WRITES_BITS: Final = (5, 15)
_WRITES_REGISTERS: Final = (6, 16)

BAY_POINTS: Final[list[dict[str, Any]]] = [
    {"name": "voltage", "kind": "input", "address": 0, "type": "u16", "scale": 0.01, "unit": "kV"},
    {"name": "current", "kind": "input", "address": 1, "type": "u16", "scale": 0.1, "unit": "A"},
    {"name": "active_power", "kind": "input", "address": 2, "type": "f32", "unit": "MW"},
    {"name": "reactive_power", "kind": "input", "address": 4, "type": "f32", "unit": "Mvar"},
    {"name": "energy", "kind": "input", "address": 6, "type": "u32", "unit": "kWh"},
    {"name": "breaker_closed", "kind": "discrete", "address": BREAKER},
    {"name": "pickup", "kind": "holding", "address": PICKUP, "type": "u16", "unit": "A"},
]
RTU_POINTS: Final[list[dict[str, Any]]] = [
    {"name": "busbar_voltage", "kind": "input", "address": 0, "type": "u16", "scale": 0.01, "unit": "kV"},
    {"name": "frequency", "kind": "input", "address": 1, "type": "u16", "scale": 0.001, "unit": "Hz"},
    {"name": "active_power", "kind": "input", "address": 2, "type": "f32", "unit": "MW"},
    {"name": "reactive_power", "kind": "input", "address": 4, "type": "f32", "unit": "Mvar"},
    {"name": "feeders_closed", "kind": "input", "address": 6, "type": "u16"},
    {"name": "voltage_setpoint", "kind": "holding", "address": SETPOINT, "type": "u16", "scale": 0.01, "unit": "kV"},
]


def _words(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def _word(value: float) -> int:
    return max(0, min(65_535, round(value)))


def bay_device(grid: Grid, number: int, advance: Callable[[], None]) -> SimDevice:
    """The bay of a feeder; `advance` brings the model to the present."""

    async def action(
        function: int, _start: int, address: int, _count: int, registers: list[int], values: list[Any] | None
    ) -> ExcCodes | None:
        advance()
        if values is not None and function in _WRITES_BITS:
            if address == BREAKER:
                grid.switch(number, closed=bool(values[0]))
        elif values is not None and function in _WRITES_REGISTERS:
            grid.set_pickup(number, int(values[0]))
        elif function in (1, 2):
            registers[0] = int(grid.closed(number))
        elif function == 3:
            registers[0] = grid.pickup_a(number)
        elif function == 4:
            flow, energy = grid.flow(number), grid.energy_kwh(number)
            registers[:8] = [
                _word(flow.voltage_kv * 100),
                _word(flow.current_a * 10),
                *_words(flow.active_mw),
                *_words(flow.reactive_mvar),
                energy >> 16 & 0xFFFF,
                energy & 0xFFFF,
            ]
        return None

    return _device(action, inputs=8, name="bay controller")


def rtu_device(grid: Grid, advance: Callable[[], None]) -> SimDevice:
    """The station's RTU: busbar, sums, and the set-point of the tap changer."""

    async def action(
        function: int, _start: int, _address: int, _count: int, registers: list[int], values: list[Any] | None
    ) -> ExcCodes | None:
        advance()
        if values is not None and function in _WRITES_REGISTERS:
            low, high = SETPOINT_RANGE
            if not low <= int(values[0]) <= high:
                return ExcCodes.ILLEGAL_VALUE
            grid.setpoint = int(values[0])
        elif function == 3:
            registers[0] = grid.setpoint
        elif function == 4:
            flows = [grid.flow(0), grid.flow(1)]
            registers[:7] = [
                _word(grid.voltage_kv * 100),
                _word(grid.frequency_hz * 1000),
                *_words(sum(flow.active_mw for flow in flows)),
                *_words(sum(flow.reactive_mvar for flow in flows)),
                sum(grid.closed(number) for number in range(2)),
            ]
        return None

    return _device(action, inputs=7, name="station RTU")


def _device(action: Any, inputs: int, name: str) -> SimDevice:
    identity = ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
        info_name={"VendorName": "Gridwatch lab", "ProductCode": "LAB", "ModelName": name, "MajorMinorRevision": "1.0"}
    )
    return SimDevice(
        UNIT,
        (
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=[0], datatype=DataType.REGISTERS)],
            [SimData(0, values=[0] * inputs, datatype=DataType.REGISTERS)],
        ),
        identity=identity,
        action=action,
    )
