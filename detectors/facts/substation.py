"""Facts of a substation and its telecontrol: Modbus, IEC 60870-5-104, DNP3, MMS, GOOSE."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from detectors.facts import Address, Facts, Host, Mac, Register, Unit


class Writer(Facts):
    """A Modbus client that may write; to one server or unit only where that is given."""

    client: Host
    server: Host | None = None
    unit: Unit | None = None


class Points(Facts):
    """A range of Modbus coils or registers of a server.

    `writable` ranges may be written by writers, with values between `low` and `high` (raw register values).
    """

    server: Host
    unit: Unit | None = None
    table: Literal["coil", "discrete", "holding", "input"]
    first: Address
    last: Address
    writable: bool = False
    low: Register = 0
    high: Register = 65535

    @model_validator(mode="after")
    def _ordered(self) -> "Points":
        if self.last < self.first:
            raise ValueError("last is below first")
        if self.high < self.low:
            raise ValueError("high is below low")
        return self


class Modbus(Facts):
    """Facts of the site's Modbus/TCP. `masters` may send requests; `engineering` may also identify devices."""

    masters: tuple[Host, ...] | None = None
    engineering: tuple[Host, ...] = ()
    writers: tuple[Writer, ...] | None = None
    points: tuple[Points, ...] | None = None


class Command(Facts):
    """An IEC 60870-5-104 command that the site allows.

    `low` and `high` bound a set-point; `select_before_operate` demands a select before the execute.
    """

    source: Host
    common_address: Annotated[int, Field(ge=0, le=65535)]
    object_address: Annotated[int, Field(ge=0, le=16777215)]
    type_id: Annotated[int, Field(ge=45, le=113)]
    select_before_operate: bool = False
    low: float | None = None
    high: float | None = None


class FileTransfer(Facts):
    """File transfer that the site allows between two hosts, of these objects only where they are given."""

    master: Host
    outstation: Host
    objects: tuple[Annotated[int, Field(ge=0, le=16777215)], ...] | None = None


ObjectAddress = Annotated[int, Field(ge=0, le=16777215)]


class Switch(Facts):
    """A breaker or disconnector behind an IEC 60870-5-104 station, by its objects there.

    Args:
        state: single or double point of its position.
        commands: objects that operate it.
        protection: points that are raised when its protection or recloser operates.
        currents: measured values of its current, A.
        rated_a: rated current, A; without it the current is not judged.
        control_block: GOOSE control block that its protection publishes.
    """

    outstation: Host
    common_address: Annotated[int, Field(ge=0, le=65535)]
    state: ObjectAddress
    commands: tuple[ObjectAddress, ...] = ()
    protection: tuple[ObjectAddress, ...] = ()
    currents: tuple[ObjectAddress, ...] = ()
    rated_a: Annotated[float, Field(gt=0)] | None = None
    control_block: str | None = None


class Iec104(Facts):
    """Facts of the site's IEC 60870-5-104. `outstations` may report process information to the masters."""

    masters: tuple[Host, ...] | None = None
    outstations: tuple[Host, ...] | None = None
    files: tuple[FileTransfer, ...] | None = None
    commands: tuple[Command, ...] | None = None
    switches: tuple[Switch, ...] | None = None


class Dnp3(Facts):
    """Facts of the site's DNP3: `masters` may send requests; in `select_before_operate` are outstations that want a select first."""

    masters: tuple[Host, ...] | None = None
    select_before_operate: tuple[Host, ...] = ()


class Mms(Facts):
    """Facts of the site's MMS (IEC 61850-8-1): `clients` may associate, `controllers` of them may also write and control."""

    clients: tuple[Host, ...] | None = None
    controllers: tuple[Host, ...] | None = None


class Publisher(Facts):
    """A GOOSE publisher of the site's SCD; `in_test` allows simulation and commissioning flags.

    `states` are all values that its data set may have, as texts in order: the trip matrix of its protection.
    """

    control_block: str
    source_mac: Mac
    appid: Annotated[int, Field(ge=0, le=65535)]
    conf_rev: int | None = None
    dataset: str | None = None
    in_test: bool = False
    states: tuple[tuple[str, ...], ...] | None = None

    @field_validator("source_mac", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower().replace("-", ":") if isinstance(value, str) else value


class Goose(Facts):
    """Facts of the site's GOOSE. Control blocks of an entry of `apart` never change state for one and the same fault."""

    publishers: tuple[Publisher, ...] | None = None
    apart: tuple[tuple[str, ...], ...] = ()
