"""Facts of metering, and of distributed resources and chargers."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from detectors.facts import Facts, Host


class Visit(Facts):
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


class Client(Facts):
    """A client that the meters know: a head-end, a field tool. What is not given may be anything."""

    source: Host
    client_sap: Annotated[int, Field(ge=0, le=65535)] | None = None
    system_title: str | None = None
    meters_per_hour: Annotated[int, Field(gt=0)] | None = None  # that its schedule reads


class Firmware(Facts):
    """An approved firmware, of one model where that is given."""

    version: str
    model: str | None = None
    image_hash: str | None = None


class Meters(Facts):
    """Facts of the metering: meters per feeder, as the base of shares; visits excuse tamper events.

    `clients` may associate with meters, `firmware` may run on them; `protection` is the least that every ciphered
    message between them must have.
    """

    feeders: dict[str, Annotated[int, Field(gt=0)]] | None = None
    visits: tuple[Visit, ...] = ()
    clients: tuple[Client, ...] | None = None
    firmware: tuple[Firmware, ...] | None = None
    protection: Literal["none", "authenticated", "encrypted", "both"] | None = None


class Fleet(Facts):
    """Size of a fleet of distributed resources or chargers: number of devices, and their power together in kW."""

    devices: Annotated[int, Field(gt=0)]
    power_kw: Annotated[float, Field(gt=0)] | None = None


class Resources(Facts):
    """Facts of distributed resources: fleets by name, as the base of shares."""

    fleets: dict[str, Fleet] = Field(default_factory=dict)
