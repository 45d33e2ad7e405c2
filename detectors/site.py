"""The site file: what is true of one installation, validated at start.

Who may write what, point maps, known masters, publishers. A fact that is absent is unknown, never "nobody": a
detector that needs it says so and stays off.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AwareDatetime,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from detectors.baseline import Acceptance, Baseline
from detectors.facts import Address, Host, Mac, Network, SignalGroup, Unit
from detectors.facts import Facts as _Facts
from schemas.errors import ConfigFault, meant

#: Wrong keys that are told at once.
TOLD = 5


class Writer(_Facts):
    """A Modbus client that may write; to one server or unit only where that is given."""

    client: Host
    server: Host | None = None
    unit: Unit | None = None


class Points(_Facts):
    """A range of Modbus coils or registers of a server.

    `writable` ranges may be written by writers, with values between `low` and `high` (raw register values).
    """

    server: Host
    unit: Unit | None = None
    table: Literal["coil", "discrete", "holding", "input"]
    first: Address
    last: Address
    writable: bool = False
    low: int = 0
    high: int = 65535

    @model_validator(mode="after")
    def _ordered(self) -> "Points":
        if self.last < self.first:
            raise ValueError("last is below first")
        if self.high < self.low:
            raise ValueError("high is below low")
        return self


class Modbus(_Facts):
    """Facts of the site's Modbus/TCP. `masters` may send requests; `engineering` may also identify devices."""

    masters: tuple[Host, ...] | None = None
    engineering: tuple[Host, ...] = ()
    writers: tuple[Writer, ...] | None = None
    points: tuple[Points, ...] | None = None


class Command(_Facts):
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


class FileTransfer(_Facts):
    """File transfer that the site allows between two hosts, of these objects only where they are given."""

    master: Host
    outstation: Host
    objects: tuple[Annotated[int, Field(ge=0, le=16777215)], ...] | None = None


ObjectAddress = Annotated[int, Field(ge=0, le=16777215)]


class Switch(_Facts):
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


class Iec104(_Facts):
    """Facts of the site's IEC 60870-5-104. `outstations` may report process information to the masters."""

    masters: tuple[Host, ...] | None = None
    outstations: tuple[Host, ...] | None = None
    files: tuple[FileTransfer, ...] | None = None
    commands: tuple[Command, ...] | None = None
    switches: tuple[Switch, ...] | None = None


class Dnp3(_Facts):
    """Facts of the site's DNP3: `masters` may send requests; in `select_before_operate` are outstations that want a select first."""

    masters: tuple[Host, ...] | None = None
    select_before_operate: tuple[Host, ...] = ()


class Mms(_Facts):
    """Facts of the site's MMS (IEC 61850-8-1): `clients` may associate, `controllers` of them may also write and control."""

    clients: tuple[Host, ...] | None = None
    controllers: tuple[Host, ...] | None = None


class Publisher(_Facts):
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


class Goose(_Facts):
    """Facts of the site's GOOSE. Control blocks of an entry of `apart` never change state for one and the same fault."""

    publishers: tuple[Publisher, ...] | None = None
    apart: tuple[tuple[str, ...], ...] = ()


class Visit(_Facts):
    """Announced work at a meter, or at all meters of a transformer."""

    kind: Literal["meter", "transformer"]
    name: str
    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "Visit":
        if self.end < self.start:
            raise ValueError("end is before start")
        return self


class Client(_Facts):
    """A client that the meters know: a head-end, a field tool. What is not given may be anything."""

    source: Host
    client_sap: Annotated[int, Field(ge=0, le=65535)] | None = None
    system_title: str | None = None
    meters_per_hour: Annotated[int, Field(gt=0)] | None = None  # that its schedule reads


class Firmware(_Facts):
    """An approved firmware, of one model where that is given."""

    version: str
    model: str | None = None
    image_hash: str | None = None


class Meters(_Facts):
    """Facts of the metering: meters per feeder, as the base of shares; visits excuse tamper events.

    `clients` may associate with meters, `firmware` may run on them; `protection` is the least that every ciphered
    message between them must have.
    """

    feeders: dict[str, Annotated[int, Field(gt=0)]] | None = None
    visits: tuple[Visit, ...] = ()
    clients: tuple[Client, ...] | None = None
    firmware: tuple[Firmware, ...] | None = None
    protection: Literal["none", "authenticated", "encrypted", "both"] | None = None


class Fleet(_Facts):
    """Size of a fleet of distributed resources or chargers: number of devices, and their power together in kW."""

    devices: Annotated[int, Field(gt=0)]
    power_kw: Annotated[float, Field(gt=0)] | None = None


class Resources(_Facts):
    """Facts of distributed resources: fleets by name, as the base of shares."""

    fleets: dict[str, Fleet] = {}


class Homes(_Facts):
    """Facts of home networks: who may reach home devices from outside (`brokers`), ports that may be mapped to them."""

    brokers: tuple[Network, ...] | None = None
    open_ports: tuple[Address, ...] = ()


class Exchange(_Facts):
    """Announced work at a SIM card: it may appear in another device, at another place."""

    imsi: str
    start: AwareDatetime
    end: AwareDatetime


class Mobile(_Facts):
    """Facts of mobile subscribers.

    `fixed_apns` are access points whose SIM cards belong to assets that stay where they are; `destinations` says, for an access
    point, where its devices may send to.
    """

    fixed_apns: tuple[str, ...] = ()
    destinations: dict[str, tuple[Network, ...]] = {}
    exchanges: tuple[Exchange, ...] = ()


class SwitchPort(_Facts):
    """A port of an access switch."""

    switch: str
    port: str


class Multicast(_Facts):
    """Facts of multicast: queriers that are configured, and ports that lead to other switches (`trunks`)."""

    queriers: tuple[Host, ...] | None = None
    trunks: tuple[SwitchPort, ...] = ()


class StreamChange(_Facts):
    """A planned change of a transport stream; of all groups where none is named."""

    group: Host | None = None
    start: AwareDatetime
    end: AwareDatetime


class Iptv(_Facts):
    """Facts of IPTV: the sources of each group (`sources`), and planned changes of streams."""

    sources: dict[str, tuple[Host, ...]] | None = None
    changes: tuple[StreamChange, ...] | None = None


class Place(_Facts):
    """A surveyed place, WGS 84 degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class Period(_Facts):
    """A time from `start` to `end`, of announced work for instance."""

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _ordered(self) -> "Period":
        if self.end < self.start:
            raise ValueError("end is before start")
        return self


class Intersection(_Facts):
    """An intersection with signals: pairs of signal groups that must not have green together; when its map may change."""

    conflicts: tuple[tuple[SignalGroup, SignalGroup], ...] = ()
    map_updates: tuple[Period, ...] | None = None


class Receiver(Place):
    """A receiver of V2X messages, and how far away it hears the farthest stations, metres."""

    range_m: Annotated[float, Field(gt=0)] = 800.0


#: Latitude and longitude, WGS 84 degrees.
Point = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]


class V2x(_Facts):
    """Facts of V2X: where roadside units stand, by their name as receivers; intersections by their id.

    `negators` are stations that may end a warning of somebody else whatever they are. `roads` are the middle lines of the lanes of
    all roads and car parks within reach of the receivers, points of (latitude, longitude). `rules` says how often stations may send:
    "etsi" for CAMs (fast only while something changes), "sae" for BSMs (always).
    """

    receivers: dict[str, Receiver] = {}
    roads: tuple[Annotated[tuple[Point, ...], Field(min_length=2)], ...] | None = None
    rules: Literal["etsi", "sae"] | None = None
    intersections: dict[str, Intersection] = {}
    negators: tuple[str, ...] = ()


class CanId(_Facts):
    """An identifier of a vehicle's message catalogue; on every bus where `channel` is not given.

    `length` is that of its data in bytes, `period_s` its period, both absent where they vary.
    """

    can_id: Annotated[int, Field(ge=0, le=0x1FFFFFFF)]
    extended: bool = False
    channel: str | None = None
    length: Annotated[int, Field(ge=0, le=64)] | None = None
    period_s: Annotated[float, Field(gt=0)] | None = None


class CanBus(_Facts):
    """Facts of a vehicle's CAN buses.

    `bitrate` in bit/s; `ids` is the message catalogue; `engine_commanders` are the J1939 source addresses that may command the engine.
    """

    bitrate: Annotated[int, Field(gt=0)] = 500_000
    ids: tuple[CanId, ...] | None = None
    engine_commanders: tuple[Annotated[int, Field(ge=0, le=255)], ...] | None = None


class SpeedSignal(_Facts):
    """An unsigned whole number in the data of a CAN identifier: `bytes_long` from byte `first`; m/s = `factor_ms` times it."""

    can_id: Annotated[int, Field(ge=0, le=0x1FFFFFFF)]
    extended: bool = False
    first: Annotated[int, Field(ge=0, le=63)]
    bytes_long: Literal[1, 2] = 2
    big_endian: bool = False
    factor_ms: Annotated[float, Field(gt=0)]


class Diagnostics(_Facts):
    """Facts of vehicle diagnosis: who may change control units (`testers`); whether each change has a ticket.

    `speed` is where a CAN bus tells the vehicle's speed, beside SAE J1939 and on-board diagnosis, which are known.
    """

    testers: tuple[str, ...] | None = None
    tickets: bool = False
    speed: SpeedSignal | None = None


class Image(_Facts):
    """An approved image of vehicle software, by its hash; of one version or campaign where that is given."""

    image_hash: str
    version: str | None = None
    campaign: str | None = None


class FleetAccount(_Facts):
    """How many vehicles an account of the fleet's back-end may command within ten minutes, and records it may take a day."""

    account: str
    vehicles: Annotated[int, Field(ge=0)] | None = None
    records: Annotated[int, Field(ge=0)] | None = None


class Vehicles(_Facts):
    """Facts of a vehicle fleet: approved images of over-the-air updates, and what its back-end's accounts may do."""

    images: tuple[Image, ...] | None = None
    accounts: tuple[FleetAccount, ...] = ()


class Site(_Facts):
    """The facts of one installation.

    Args:
        name: its name, the locality of substation records read from captures.
        detectors: detector id -> parameter -> value, over the defaults; a parameter is checked against the detector.
        disabled: detectors switched off, with the reason (YAML reads a bare `off` as a boolean).
        baseline: what was normal while it was learned; what departs from it is configuration drift, no attack.
        accepted: who took which alert for normal, and why (`gridwatch learn --accept`).
        rules: folder of the site's own rules, relative to the site file; "" for none.
        rule_files: what `load_site` read there, name -> text; no key of the file.
    """

    name: str = "site"
    modbus: Modbus = Modbus()
    iec104: Iec104 = Iec104()
    goose: Goose = Goose()
    dnp3: Dnp3 = Dnp3()
    mms: Mms = Mms()
    meters: Meters = Meters()
    resources: Resources = Resources()
    v2x: V2x = V2x()
    can: CanBus = CanBus()
    diagnostics: Diagnostics = Diagnostics()
    vehicles: Vehicles = Vehicles()
    homes: Homes = Homes()
    mobile: Mobile = Mobile()
    multicast: Multicast = Multicast()
    iptv: Iptv = Iptv()
    baseline: Baseline = Baseline()
    accepted: tuple[Acceptance, ...] = ()
    detectors: dict[str, dict[str, float | int | bool | str]] = {}
    disabled: dict[str, str] = {}
    rules: str = ""
    rule_files: dict[str, str] = {}

    def lacks(self, path: str) -> bool:
        """True where the fact at a dotted path, e.g. modbus.masters, is not in the site file."""
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value is None or value == {}


def parse_site(facts: Any, where: str) -> Site:
    """Validate site facts.

    Raises:
        ConfigFault: naming the wrong keys.
    """
    try:
        return Site.model_validate(facts)
    except ValidationError as wrong:
        told = [_explain(problem) for problem in wrong.errors()[:TOLD]]
        more = [f"{wrong.error_count() - TOLD} more"] if wrong.error_count() > TOLD else []
        raise ConfigFault(
            what=f"site file: {'; '.join(told + more)}",
            where=where,
            remedy="correct it; docs/site_file.md has every key",
        ) from wrong


def _explain(problem: Any) -> str:
    key = ".".join(map(str, problem["loc"])) or "(top level)"
    if problem["type"] == "extra_forbidden":
        return ", ".join(filter(None, (f"{key}: unknown key", meant(str(problem["loc"][-1]), _keys(problem["loc"])))))
    return f"{key}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _keys(place: tuple[str | int, ...]) -> set[str]:
    """The keys that a place in the site file may have; of facts of several kinds all of theirs."""
    facts: list[type[_Facts]] = [Site]
    for part in place[:-1]:
        found = [
            kind for of in facts if part in of.model_fields for kind in _kinds(of.model_fields[str(part)].annotation)
        ]
        facts = found or facts
    return {name for of in facts for name in of.model_fields}


def _kinds(annotation: Any) -> list[type[_Facts]]:
    if isinstance(annotation, type) and issubclass(annotation, _Facts):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in _kinds(part)]


def load_site(path: Path | None) -> Site:
    """Read a site file (YAML); without a path a site about which nothing is known.

    Raises:
        ConfigFault: unreadable, not YAML, or a wrong key.
    """
    if path is None:
        return Site()
    try:
        facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as wrong:
        raise ConfigFault(
            what=f"site file cannot be read: {wrong.strerror}", where=str(path), remedy="name a readable YAML file"
        ) from wrong
    except (yaml.YAMLError, UnicodeDecodeError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        said = getattr(wrong, "problem", None) or str(wrong).splitlines()[0]
        raise ConfigFault(
            what=f"site file is not YAML: {said}", where=f"{path}{place}", remedy="correct the syntax"
        ) from wrong
    if isinstance(facts, dict) and "rule_files" in facts:
        raise ConfigFault("site file: rule_files: unknown key", str(path), "name the folder of the rules under rules")
    site = parse_site(facts if facts is not None else {}, str(path))
    return site.model_copy(update={"rule_files": read_rules(path.parent / site.rules)}) if site.rules else site


def read_rules(folder: Path) -> dict[str, str]:
    """The rule files (*.yml, *.yaml) of a folder and the folders in it: name within it -> text.

    Raises:
        ConfigFault: no such folder, none in it, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ConfigFault("no folder of rules", str(folder), "name a folder with rules in Sigma's syntax (*.yml)")
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".yml", ".yaml") and path.is_file())
    if not found:
        raise ConfigFault("no rules in the folder", str(folder), "rules are files named *.yml or *.yaml")
    try:
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigFault(f"a rule cannot be read: {wrong}", str(folder), "rules are readable text in UTF-8") from wrong
