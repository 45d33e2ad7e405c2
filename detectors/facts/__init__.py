"""What site facts are made of: the base of all of them, and the types of their values."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Facts(BaseModel):
    """Facts of one kind; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _host(text: str) -> str:
    """A host as the records name it: what looks like an IP address must be one."""
    if re.fullmatch(r"[\d.]+|[\da-fA-F]*:[\da-fA-F:.]*", text):
        ipaddress.ip_address(text)
    return text


def _network(text: str) -> str:
    """A network in CIDR notation, or a single address."""
    ipaddress.ip_network(text, strict=False)
    return text


Address = Annotated[int, Field(ge=0, le=65535)]
#: Raw value of a register.
Register = Annotated[int, Field(ge=0, le=65535)]
Host = Annotated[str, AfterValidator(_host)]
Network = Annotated[str, AfterValidator(_network)]
Unit = Annotated[int, Field(ge=0, le=255)]
SignalGroup = Annotated[int, Field(ge=0, le=255)]
Mac = Annotated[str, Field(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
