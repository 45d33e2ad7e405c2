"""Facts of home networks, mobile subscribers, multicast and IPTV."""

from pydantic import AwareDatetime, Field

from detectors.facts import Address, Facts, Host, Network


class Homes(Facts):
    """Facts of home networks: who may reach home devices from outside (`brokers`), ports that may be mapped to them."""

    brokers: tuple[Network, ...] | None = None
    open_ports: tuple[Address, ...] = ()


class Exchange(Facts):
    """Announced work at a SIM card: it may appear in another device, at another place."""

    imsi: str
    start: AwareDatetime
    end: AwareDatetime


class Mobile(Facts):
    """Facts of mobile subscribers.

    `fixed_apns` are access points whose SIM cards belong to assets that stay where they are; `destinations` says, for an access
    point, where its devices may send to.
    """

    fixed_apns: tuple[str, ...] = ()
    destinations: dict[str, tuple[Network, ...]] = Field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()


class SwitchPort(Facts):
    """A port of an access switch."""

    switch: str
    port: str


class Multicast(Facts):
    """Facts of multicast: queriers that are configured, and ports that lead to other switches (`trunks`)."""

    queriers: tuple[Host, ...] | None = None
    trunks: tuple[SwitchPort, ...] = ()


class StreamChange(Facts):
    """A planned change of a transport stream; of all groups where none is named."""

    group: Host | None = None
    start: AwareDatetime
    end: AwareDatetime


class Iptv(Facts):
    """Facts of IPTV: the sources of each group (`sources`), and planned changes of streams."""

    sources: dict[str, tuple[Host, ...]] | None = None
    changes: tuple[StreamChange, ...] | None = None
