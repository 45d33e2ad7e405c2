"""Grafana's part between a dashboard and PostgreSQL: variables and the macros of its PostgreSQL data source.

An expander of our own, for tests: the macros as Grafana documents them, an unknown one is an error. It proves that the SQL runs
and gives the columns that a panel needs; how Grafana draws them it cannot prove.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MACRO = re.compile(r"\$__(\w+)(?:\(([^)]*)\))?")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Range:
    """The time range of a dashboard and the interval that fits its width."""

    start: datetime
    end: datetime
    interval: str = "10s"


def interpolate(sql: str, variables: Mapping[str, str | Sequence[str]]) -> str:
    """Put the variables in: text as it is (single values and a custom "all"), or quoted where the format says so; several
    values quoted.

    Raises:
        KeyError: an unknown variable.
        ValueError: an unknown format.
    """

    def value(match: re.Match[str]) -> str:
        found, form = variables[match[1] or match[3]], match[2]
        if form not in (None, "sqlstring"):
            raise ValueError(f"format {form} of {match[1]}")
        if isinstance(found, str):
            return _quoted(found) if form else found
        return ",".join(map(_quoted, found))

    return re.sub(r"\$(?!__)(?:\{(\w+)(?::(\w+))?\}|(\w+))", value, sql)


def opened(board: Mapping[str, Any], **chosen: str | Sequence[str]) -> dict[str, str | Sequence[str]]:
    """What the variables of a dashboard hold when it is opened, or as chosen."""
    return {v["name"]: chosen[v["name"]] if v["name"] in chosen else _first(v) for v in board["templating"]["list"]}


def _first(variable: Mapping[str, Any]) -> str | Sequence[str]:
    if variable["type"] in ("constant", "textbox"):
        return str(variable["query"])
    value: str | list[str] = variable["current"]["value"]
    if value != ["$__all"]:
        return value
    if "allValue" in variable:
        return str(variable["allValue"])
    return [item.strip() for item in variable["query"].split(",")]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def expand(sql: str, over: Range) -> str:
    """Expand the macros.

    Raises:
        ValueError: an unknown macro, or wrong arguments.
    """
    sql = sql.replace("$__interval_ms", str(int(_seconds(over.interval) * 1000)))
    sql = sql.replace("'$__interval'", f"'{over.interval}'")

    def macro(match: re.Match[str]) -> str:
        arguments = [argument.strip() for argument in (match[2] or "").split(",")] if match[2] else []
        return _expand(match[1], arguments, over)

    return _MACRO.sub(macro, sql)


def _expand(name: str, arguments: list[str], over: Range) -> str:
    match name, arguments:
        case "time", [column]:
            return f'{column} AS "time"'
        case "timeEpoch", [column]:
            return f'extract(epoch from {column}) as "time"'
        case "timeFilter", [column]:
            return f"{column} BETWEEN {_rfc3339(over.start)} AND {_rfc3339(over.end)}"
        case "timeFrom", []:
            return _rfc3339(over.start)
        case "timeTo", []:
            return _rfc3339(over.end)
        case "timeGroup", [column, interval]:
            size = f"{_seconds(interval):g}"
            return f"floor(extract(epoch from {column})/{size})*{size}"
        case "timeGroupAlias", [column, interval]:
            return _expand("timeGroup", [column, interval], over) + ' AS "time"'
        case _:
            raise ValueError(f"macro $__{name} with {len(arguments)} arguments")


def _rfc3339(time: datetime) -> str:
    return "'" + time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") + "'"


def _seconds(interval: str) -> float:
    match = re.fullmatch(r"'?(\d+)(ms|s|m|h|d)'?", interval)
    if match is None:
        raise ValueError(f"no interval: {interval}")
    return int(match[1]) * _UNITS[match[2]]
