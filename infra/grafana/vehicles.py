"""The vehicle dashboard: where stations are and what they claim, roadside units, CAN buses."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import board
from infra.grafana.panels import SEVERITIES, bars_over_time, lines_over_time, number, ranking, rows
from infra.grafana.pictures import Layer, places
from infra.grafana.variables import ALIVE, LEVEL, SLOT_S, SLOT_TIME, TRACK, among, sites

UID: Final = "gridwatch-vehicles"
TITLE: Final = "Gridwatch vehicles"

#: Roadside units and vehicles of the variable.
SITES: Final = "SELECT DISTINCT site FROM seen WHERE domain = 'vehicle' ORDER BY 1"
_AT: Final = among("site", "site")
_HEARD: Final = among("receiver", "site")
_LEVEL: Final = f"domain = 'vehicle' AND $__timeFilter(slot) AND {_AT}"
_SEEN: Final = f"domain = 'vehicle' AND {_AT}"
_INCIDENT: Final = f"domain = 'vehicle' AND {ALIVE}"
#: A coordinate of the record that decided; evidence is text that may come from anywhere, so nothing is cast that is no number.
_COORDINATE: Final = (
    "substring(evidence[array_upper(evidence, 1)] FROM '\"{}\": ?(-?[0-9]{{1,3}}[.]?[0-9]{{0,12}})')::double precision"
)


def _numbers() -> tuple[tuple[int, Builder[Panel]], ...]:
    def count(title: str, says: str, sql: str) -> tuple[int, Builder[Panel]]:
        return 6, number(title, says, sql, [(None, "#8ab8ff")])

    return (
        count(
            "Stations heard",
            "Different pseudonyms; a car changes its own now and then.",
            f"SELECT count(DISTINCT station) AS stations FROM {TRACK} WHERE $__timeFilter(slot) AND {_HEARD}",
        ),
        count(
            "Stations that misbehave",
            "Senders with an incident of medium severity or above.",
            f"SELECT count(DISTINCT entity) AS stations FROM incident WHERE {_INCIDENT} AND entity_kind = 'station' "
            "AND severity_id >= 3",
        ),
        count(
            "CAN frames",
            "Frames on all buses.",
            f"SELECT coalesce(sum(records), 0)::bigint AS frames FROM {LEVEL} WHERE {_LEVEL} AND kind = 'bus'",
        ),
        count(
            "New CAN identifiers",
            "Identifiers that were never seen before on their bus.",
            f"SELECT count(*) AS identifiers FROM seen WHERE {_SEEN} AND kind = 'CAN identifier' AND $__timeFilter(first)",
        ),
    )


def _map() -> tuple[tuple[int, Builder[Panel]], ...]:
    latitude, longitude = _COORDINATE.format("latitude"), _COORDINATE.format("longitude")
    return (
        (
            16,
            places(
                "Map",
                "Where stations were last heard in each minute, and where alerts say that something happened.",
                [
                    Layer(
                        "Stations",
                        SEVERITIES["Informational"],
                        f'SELECT latitude, longitude, station, receiver, speed_ms AS "speed m/s", slot FROM {TRACK} '
                        f"WHERE $__timeFilter(slot) AND {_HEARD} ORDER BY slot DESC LIMIT 2000",
                    ),
                    Layer(
                        "Alerts",
                        SEVERITIES["Critical"],
                        "SELECT latitude, longitude, severity_id AS severity, title, entity, detected FROM (SELECT "
                        f"{latitude} AS latitude, {longitude} AS longitude, severity_id, title, entity, detected FROM alert "
                        "WHERE $__timeFilter(detected) AND domain = 'vehicle' AND suppression IS NULL ORDER BY detected DESC "
                        "LIMIT 1000) AS found WHERE latitude IS NOT NULL AND longitude IS NOT NULL",
                    ),
                ],
            ),
        ),
        (
            8,
            ranking(
                "Most misbehaving senders",
                "Stations by their alerts, a severe one counting for more.",
                f"SELECT left(entity, 60) AS station, sum(alerts * severity_id)::bigint AS weight FROM incident WHERE {_INCIDENT} "
                "AND entity_kind = 'station' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
            ),
        ),
    )


def _misbehaviour() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            bars_over_time(
                "Misbehaviour by class",
                "Alerts about vehicles, by detector.",
                f"SELECT {SLOT_TIME} AS time, detector AS metric, sum(alerts)::bigint AS value "
                "FROM alert_rollup WHERE $__timeFilter(slot) AND domain = 'vehicle' AND NOT suppressed GROUP BY 1, 2 ORDER BY 1, 2",
                {},
            ),
        ),
        (
            12,
            rows(
                "Plausibility of senders",
                "Incidents of stations with what was observed last.",
                "SELECT i.updated AS last, i.entity AS station, i.site AS receiver, i.title, i.alerts, i.status FROM incident i "
                f"WHERE {_INCIDENT} AND i.entity_kind = 'station' ORDER BY i.severity_id DESC, i.updated DESC LIMIT 200",
                {"last": {"custom.width": 170}, "alerts": {"custom.width": 80}},
            ),
        ),
    )


def _roadside() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            lines_over_time(
                "Channel busy ratio",
                "As roadside units measure it (ETSI TS 102 687); the highest of each interval.",
                f"SELECT {SLOT_TIME} AS time, entity AS metric, max(high) AS value FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'roadside unit' AND measure = 'channel busy ratio' GROUP BY 1, 2 ORDER BY 1, 2",
                unit="percentunit",
            ),
        ),
        (
            12,
            rows(
                "Roadside units",
                "What each has heard, and when last.",
                "SELECT entity AS unit, sum(records) FILTER (WHERE measure = 'awareness messages')::bigint AS messages, "
                "max(high) FILTER (WHERE measure = 'stations heard') AS stations, "
                f"max(high) FILTER (WHERE measure = 'channel busy ratio') AS busiest, max(slot) AS last FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'roadside unit' GROUP BY 1 ORDER BY 2 DESC NULLS LAST, 1 LIMIT 200",
                {"last": {"custom.width": 170}, "busiest": {"unit": "percentunit"}},
            ),
        ),
    )


def _buses() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            8,
            lines_over_time(
                "Load of CAN buses",
                "Frames a second, the mean of each minute.",
                f"SELECT slot AS time, entity AS metric, records / {SLOT_S} AS value FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'bus' ORDER BY 1, 2 LIMIT 10000",
                unit="short",
            ),
        ),
        (
            8,
            rows(
                "Buses",
                "How many identifiers each bus has, and how many are new in this time.",
                "SELECT site AS vehicle, split_part(entity, ' ', 1) AS channel, count(*) AS identifiers, "
                "count(*) FILTER (WHERE $__timeFilter(first)) AS new, sum(records)::bigint AS frames FROM seen "
                f"WHERE {_SEEN} AND kind = 'CAN identifier' AND last >= $__timeFrom() GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2 LIMIT 200",
                {"new": {"custom.width": 80}},
            ),
        ),
        (
            8,
            rows(
                "New identifiers",
                "Never seen before on their bus.",
                "SELECT first, site AS vehicle, entity AS identifier, records FROM seen "
                f"WHERE {_SEEN} AND kind = 'CAN identifier' AND $__timeFilter(first) ORDER BY first DESC, 3 LIMIT 200",
                {"first": {"custom.width": 170}, "records": {"custom.width": 90}},
                sort_by="first",
            ),
        ),
    )


def vehicles() -> Dashboard:
    """The dashboard."""
    lines = ((4, _numbers()), (14, _map()), (9, _misbehaviour()), (9, _roadside()), (9, _buses()))
    return board(
        UID,
        TITLE,
        "Where stations are and what they claim, roadside units, CAN buses.",
        [sites("Unit or vehicle", SITES)],
        lines,
    )
