"""What was normal while a site was learned (`gridwatch learn`): departures from it are configuration drift, no attack."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from detectors.facts import Address, Facts, Host, Unit

Period = Annotated[float, Field(gt=0)]


class Request(Facts):
    """A Modbus read that a client makes; `period_s` is the median time between two of them, seconds."""

    client: Host
    server: Host
    unit: Unit
    function: Annotated[int, Field(ge=1, le=127)]
    address: Address | None = None
    quantity: Address | None = None
    period_s: Period | None = None


class Objects(Facts):
    """Information objects that an IEC 60870-5-104 station sends: a run of object addresses of one type."""

    source: Host
    common_address: Annotated[int, Field(ge=0, le=65535)]
    type_id: Annotated[int, Field(ge=1, le=127)]
    first: Annotated[int, Field(ge=0, le=16777215)]
    last: Annotated[int, Field(ge=0, le=16777215)]


class Identifier(Facts):
    """A CAN identifier with the length of its data; `period_s` is the median time between two frames, seconds."""

    channel: str
    can_id: Annotated[int, Field(ge=0, lt=1 << 29)]
    extended: bool = False
    length: Annotated[int, Field(ge=0, le=64)]
    period_s: Period | None = None


class Baseline(Facts):
    """What was heard while the site was learned. What is absent was not learned.

    Args:
        first, last: the time that it was learned from.
        requests: Modbus reads.
        objects: IEC 60870-5-104 objects.
        identifiers: CAN identifiers.
        meters: transformer -> number of meters.
    """

    first: AwareDatetime | None = None
    last: AwareDatetime | None = None
    requests: tuple[Request, ...] | None = None
    objects: tuple[Objects, ...] | None = None
    identifiers: tuple[Identifier, ...] | None = None
    meters: dict[str, Annotated[int, Field(gt=0)]] | None = None


class Acceptance(Facts):
    """An alert that a person took for normal, which extended the site file."""

    alert: str
    detector: str
    who: str
    why: Annotated[str, Field(min_length=1)]
    when: AwareDatetime
    added: str
