"""Facts of V2X, vehicle buses, diagnosis and fleets."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from detectors.facts import Facts, SignalGroup


class Place(Facts):
    """A surveyed place, WGS 84 degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Period(Facts):
    """A time from `start` to `end`, of announced work for instance."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "Period":
        if self.end < self.start:
            raise ValueError("end is before start")
        return self


class Intersection(Facts):
    """An intersection with signals: pairs of signal groups that must not have green together; when its map may change."""

    conflicts: tuple[tuple[SignalGroup, SignalGroup], ...] = ()
    map_updates: tuple[Period, ...] | None = None


class Receiver(Place):
    """A receiver of V2X messages, and how far away it hears the farthest stations, metres."""

    range_m: Annotated[float, Field(gt=0)] = 800.0


#: Latitude and longitude, WGS 84 degrees.
Point = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]


class V2x(Facts):
    """Facts of V2X: where roadside units stand, by their name as receivers; intersections by their id.

    `negators` are stations that may end a warning of somebody else whatever they are. `roads` are the middle lines of the lanes of
    all roads and car parks within reach of the receivers, points of (latitude, longitude). `rules` says how often stations may send:
    "etsi" for CAMs (fast only while something changes), "sae" for BSMs (always).
    """

    receivers: dict[str, Receiver] = Field(default_factory=dict)
    roads: tuple[Annotated[tuple[Point, ...], Field(min_length=2)], ...] | None = None
    rules: Literal["etsi", "sae"] | None = None
    intersections: dict[str, Intersection] = Field(default_factory=dict)
    negators: tuple[str, ...] = ()


class CanId(Facts):
    """An identifier of a vehicle's message catalogue; on every bus where `channel` is not given.

    `length` is that of its data in bytes, `period_s` its period, both absent where they vary.
    """

    can_id: Annotated[int, Field(ge=0, le=0x1FFFFFFF)]
    extended: bool = False
    channel: str | None = None
    length: Annotated[int, Field(ge=0, le=64)] | None = None
    period_s: Annotated[float, Field(gt=0)] | None = None


class CanBus(Facts):
    """Facts of a vehicle's CAN buses.

    `bitrate` in bit/s; `ids` is the message catalogue; `engine_commanders` are the J1939 source addresses that may command the engine.
    """

    bitrate: Annotated[int, Field(gt=0)] = 500_000
    ids: tuple[CanId, ...] | None = None
    engine_commanders: tuple[Annotated[int, Field(ge=0, le=255)], ...] | None = None


class SpeedSignal(Facts):
    """An unsigned whole number in the data of a CAN identifier: `bytes_long` from byte `first`; m/s = `factor_ms` times it."""

    can_id: Annotated[int, Field(ge=0, le=0x1FFFFFFF)]
    extended: bool = False
    first: Annotated[int, Field(ge=0, le=63)]
    bytes_long: Literal[1, 2] = 2
    big_endian: bool = False
    factor_ms: Annotated[float, Field(gt=0)]


class Diagnostics(Facts):
    """Facts of vehicle diagnosis: who may change control units (`testers`); whether each change has a ticket.

    `speed` is where a CAN bus tells the vehicle's speed, beside SAE J1939 and on-board diagnosis, which are known.
    """

    testers: tuple[str, ...] | None = None
    tickets: bool = False
    speed: SpeedSignal | None = None


class Image(Facts):
    """An approved image of vehicle software, by its hash; of one version or campaign where that is given."""

    image_hash: str
    version: str | None = None
    campaign: str | None = None


class FleetAccount(Facts):
    """How many vehicles an account of the fleet's back-end may command within ten minutes, and records it may take a day."""

    account: str
    vehicles: Annotated[int, Field(ge=0)] | None = None
    records: Annotated[int, Field(ge=0)] | None = None


class Vehicles(Facts):
    """Facts of a vehicle fleet: approved images of over-the-air updates, and what its back-end's accounts may do."""

    images: tuple[Image, ...] | None = None
    accounts: tuple[FleetAccount, ...] = ()
