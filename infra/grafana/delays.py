"""Panels of how late things are: landing's sign of life, and the time from an event to its alert (`latency_rollup`)."""

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import BAD, GOOD, WARN
from infra.grafana.panels import lines_over_time, number
from infra.grafana.variables import LATENCY_SUMS, SLOT_TIME

_NOTHING = "nothing landed in this time"


def landing_seen() -> Builder[Panel]:
    """How long ago landing gave a sign of life."""
    return number(
        "Landing seen",
        "How long ago the landing step gave a sign of life: it does so every 15 s, whether or not anything comes.",
        "SELECT extract(epoch FROM now() - max(seen)) AS seconds FROM landed_position",
        [(None, GOOD), (60, WARN), (300, BAD)],
        unit="s",
        nothing="nothing was landed",
    )


def delay(title: str, says: str, share: float, where: str = "true") -> Builder[Panel]:
    """The time, seconds, within which this share of the alerts was landed."""
    return number(
        title,
        says,
        f"WITH classes AS (SELECT upto_s, sum(alerts) AS n FROM {LATENCY_SUMS} "
        f"WHERE $__timeFilter(slot) AND {where} GROUP BY 1), heaped AS (SELECT upto_s, sum(n) OVER (ORDER BY upto_s) AS "
        "upto, sum(n) OVER () AS total FROM classes) "
        f"SELECT min(upto_s) AS seconds FROM heaped WHERE upto >= {share} * total",
        [(None, GOOD), (2, WARN), (10, BAD)],
        unit="s",
        nothing="–",
    )


def delays_over_time(title: str, says: str, where: str = "true") -> Builder[Panel]:
    """Median, 90th and 99th percentile."""
    return lines_over_time(
        title,
        f"{says} Median, 90th and 99th percentile.",
        _percentiles("'p' || round(100 * share)", "''", "(VALUES (0.5), (0.9), (0.99))", where),
        unit="s",
        nothing=_NOTHING,
        least="5m",
    )


def delays_by_domain(title: str, says: str) -> Builder[Panel]:
    """The 99th percentile of each domain."""
    return lines_over_time(
        title, says, _percentiles("part", "domain", "(VALUES (0.99))", "true"), "s", _NOTHING, least="5m"
    )


def _percentiles(metric: str, part: str, shares: str, where: str) -> str:
    return (
        f"WITH classes AS (SELECT {SLOT_TIME} AS time, {part} AS part, upto_s, sum(alerts)::double precision AS n "
        f"FROM {LATENCY_SUMS} WHERE $__timeFilter(slot) AND {where} GROUP BY 1, 2, 3), heaped AS (SELECT time, part, "
        "upto_s, sum(n) OVER (PARTITION BY time, part ORDER BY upto_s) AS upto, sum(n) OVER (PARTITION BY time, part) AS "
        f"total FROM classes) SELECT time, {metric} AS metric, min(upto_s) AS value FROM heaped, {shares} AS asked (share) "
        "WHERE upto >= share * total GROUP BY 1, 2 ORDER BY 1, 2"
    )
