"""Where sites are: a file of the operator's, kept in PostgreSQL for the map of the overview."""

from pathlib import Path
from typing import Annotated, Final

import psycopg
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.errors import ConfigFault


class Place(BaseModel):
    """Degrees of WGS 84."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


_FILE: Final = TypeAdapter(dict[Annotated[str, Field(min_length=1)], Place])


def read_places(path: Path) -> dict[str, Place]:
    """The places of a YAML file, by site: `substation-a: {latitude: 48.1, longitude: 11.5}`.

    Raises:
        ConfigFault: the file is not there, is no YAML, or says something else than latitude and longitude of sites.
    """
    try:
        return _FILE.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigFault(f"cannot be read: {wrong}", str(path), "name a file of sites and their places") from wrong
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigFault(
            "this is no YAML", f"{path}{line}", f"see there: {getattr(wrong, 'problem', wrong)}"
        ) from wrong
    except ValidationError as wrong:
        first = wrong.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        remedy = "write SITE: {latitude: DEGREES, longitude: DEGREES}"
        raise ConfigFault(str(first["msg"]), f"{path}, key {key}" if key else str(path), remedy) from wrong


def keep_places(connection: psycopg.Connection, places: dict[str, Place]) -> None:
    """Make these the places that the map knows: others are forgotten."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM site_place")
        cursor.executemany(
            "INSERT INTO site_place (site, latitude, longitude) VALUES (%s, %s, %s)",
            [(site, place.latitude, place.longitude) for site, place in places.items()],
        )
