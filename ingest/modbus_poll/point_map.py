"""The point map: which points of which devices are polled; a YAML file, validated whole before the first poll."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ConfigFault

#: Largest point map (bytes); a site of 10,000 points has about a tenth of it.
MAX_FILE = 16 << 20

Name = Annotated[str, Field(min_length=1, max_length=128)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Point(_Model):
    """One point of a device.

    Args:
        name: unique within the device.
        kind: the Modbus table it lies in.
        address: coil or register address, counted from 0.
        type: how registers become a number; u32 and f32 take two, the high word first unless the device says otherwise.
        scale: engineering value = raw value * scale + offset.
        unit: of the engineering value.
    """

    name: Name
    kind: Literal["coil", "discrete", "holding", "input"]
    address: Annotated[int, Field(ge=0, le=65535)]
    type: Literal["bit", "u16", "i16", "u32", "f32"] = "u16"
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    offset: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    unit: Annotated[str, Field(max_length=32)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bits_are_bits(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") in ("coil", "discrete"):
            if given.get("type", "bit") != "bit":
                raise ValueError("a coil or discrete input has type bit")
            return {**given, "type": "bit"}
        if isinstance(given, dict) and given.get("type") == "bit":
            raise ValueError("a register has type u16, i16, u32 or f32")
        return given

    @property
    def width(self) -> int:
        """How many coils or registers it takes."""
        return 2 if self.type in ("u32", "f32") else 1

    @model_validator(mode="after")
    def _inside(self) -> "Point":
        if self.address + self.width > 65_536:
            raise ValueError("the second register lies beyond address 65535")
        return self


class Device(_Model):
    """One Modbus/TCP server unit.

    Args:
        name: unique in the map.
        host: address or name.
        port: TCP port.
        unit: unit identifier.
        period_s: from poll to poll.
        timeout_s: for the connection and for each answer.
        bind: local address to connect from; on a host with several it decides which one the device sees.
        word_order: which word of a 32-bit value comes first.
        reconnect_s: first wait before a failed connection is tried again; doubled each time.
        reconnect_max_s: longest such wait.
    """

    name: Name
    host: Name
    port: Annotated[int, Field(ge=1, le=65535)] = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    period_s: Seconds = 1.0
    timeout_s: Seconds = 1.0
    bind: Name | None = None
    word_order: Literal["big", "little"] = "big"
    reconnect_s: Seconds = 0.5
    reconnect_max_s: Seconds = 30.0
    points: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10_000, strict=False)]

    @model_validator(mode="after")
    def _unique(self) -> "Device":
        _no_twins("point", [point.name for point in self.points])
        return self


class PointMap(_Model):
    """The devices of one site."""

    site: Name
    devices: Annotated[tuple[Device, ...], Field(min_length=1, max_length=10_000, strict=False)]

    @model_validator(mode="after")
    def _unique(self) -> "PointMap":
        _no_twins("device", [device.name for device in self.devices])
        return self


def _no_twins(kind: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"the {kind} {name} stands twice")
        seen.add(name)


def load_point_map(path: Path) -> PointMap:
    """Read and validate a point map.

    Raises:
        ConfigFault: the file cannot be read, is not YAML, or breaks a rule; names file, line, key and remedy.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise ConfigFault(f"the point map has more than {MAX_FILE} bytes", str(path), "split it by site")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigFault(f"the point map cannot be read: {wrong}", str(path), "name a readable YAML file") from wrong
    try:
        facts = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(wrong, "problem", None) or str(wrong)
        raise ConfigFault(f"the point map is not YAML: {problem}", f"{path}{line}", "correct the syntax") from wrong
    try:
        return PointMap.model_validate(facts)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top level)"
        more = f"; {wrong.error_count() - 1} more" if wrong.error_count() > 1 else ""
        raise ConfigFault(
            f"point map, key {key}: {first['msg']}{more}",
            f"{path}:{_line_of(tree, first['loc'])}",
            _REMEDIES.get(first["type"], "correct the value"),
        ) from wrong


_REMEDIES = {
    "missing": "add the key",
    "extra_forbidden": "remove the key, or correct its spelling",
    "value_error": "correct the entry",
}


def _line_of(node: Any, way: tuple[int | str, ...]) -> int:
    """Line (from 1) of the YAML node at a path, or of its nearest parent that exists."""
    line: int = node.start_mark.line + 1 if node is not None else 1
    for step in way:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
