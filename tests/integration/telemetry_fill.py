"""The sums of telemetry as after 35 days of `gridwatch observe`, made in PostgreSQL itself.

Each minute has so many rows: half of them of the same keys every time, which poll or report all day, the others drawn from many.
"""

from importlib.resources import files
from typing import Any, Final

import psycopg

from jobs.observe.store import KEPT_DAYS

#: Rows a minute at full size: 35 days of them are three million of `talk` and of `level`, a million of `track`.
_TALK: Final = 60
_LEVEL: Final = 60
_TRACK: Final = 20
_SEEN: Final = 200_000

_MINUTES: Final = """
    CREATE TEMPORARY TABLE minutes AS
    SELECT m, date_trunc('minute', now()) - interval '1 minute' * m AS slot FROM generate_series(0, 1440 * %(days)s - 1) AS m
"""
# The number of a key says all about it: k %% 20 its domain, and so on. Primes spread the drawn ones; within a minute all differ.
_FILL: Final = (
    """
    INSERT INTO talk
    SELECT slot, domain, CASE domain WHEN 'substation' THEN 'station-' || k %% 12 WHEN 'meter' THEN 'headend-' || k %% 3
            ELSE domain || '-' || k %% 50 END,
        protocol, CASE protocol WHEN 'GOOSE' THEN 'mac-' || k ELSE 'client-' || k %% 40 END, 'server-' || k,
        CASE WHEN protocol = 'GOOSE' THEN 'publish' WHEN domain = 'meter' AND k %% 7 = 0 THEN 'disconnect'
            ELSE 'action ' || k / 7 %% 9 END,
        CASE WHEN protocol = 'GOOSE' THEN 'report'
            ELSE (ARRAY['read', 'read', 'report', 'read', 'write', 'control', 'system', 'other'])[1 + k / 3 %% 8] END,
        1 + (m + k) %% 120, CASE WHEN (m + k) %% 25 = 0 THEN 1 ELSE 0 END
    FROM (
        SELECT slot, m, k, CASE WHEN k %% 20 < 15 THEN 'substation' WHEN k %% 20 < 18 THEN 'meter' WHEN k %% 20 = 18 THEN 'vehicle'
                ELSE 'network' END AS domain,
            CASE WHEN k %% 20 < 15 THEN (ARRAY['Modbus', 'IEC 104', 'GOOSE', 'DNP3', 'flow'])[1 + k / 20 %% 5]
                WHEN k %% 20 < 18 THEN (ARRAY['head-end', 'DLMS'])[1 + k %% 2] WHEN k %% 20 = 18 THEN 'UDS' ELSE 'home' END AS protocol
        FROM minutes, generate_series(1, %(talk)s) AS n,
            LATERAL (SELECT CASE WHEN n <= %(talk)s / 2 THEN n ELSE 1000 + (m * 7919 + n * 104729) %% 1500 END AS k) AS key
    ) AS drawn
    """,
    """
    INSERT INTO level
    SELECT slot, (ARRAY['substation', 'substation', 'substation', 'substation', 'substation', 'substation', 'meter', 'meter', 'meter',
            'vehicle'])[1 + f],
        CASE WHEN f < 6 THEN 'station-' || k %% 12 WHEN f < 9 THEN 'T' || k / 10 ELSE 'unit-' || k / 20 END,
        (ARRAY['process value', 'process value', 'process value', 'process value', 'switch', 'control block', 'transformer',
            'transformer', 'transformer', CASE WHEN k / 10 %% 2 = 0 THEN 'roadside unit' ELSE 'bus' END])[1 + f],
        CASE WHEN f < 6 THEN 'object-' || k WHEN f < 9 THEN 'T' || k / 10 ELSE 'unit-' || k / 20 END,
        (ARRAY['value', 'value', 'value', 'value', 'state', 'stNum', 'metered kWh', 'delivered kWh', 'voltage V',
            CASE WHEN k / 10 %% 2 = 0 THEN (ARRAY['awareness messages', 'channel busy ratio'])[1 + k / 20 %% 2] ELSE 'frames' END])[1 + f],
        0, 2, CASE WHEN f = 4 THEN m / 60 %% 2 ELSE 1 + m %% 10 / 10.0 END, 10 + m %% 3, 10
    FROM minutes, generate_series(0, %(level)s - 1) AS n,
        LATERAL (SELECT CASE WHEN n < %(level)s / 2 THEN n ELSE 1000 + (m * 7919 + n * 104729) %% 1000 END AS k) AS key,
        LATERAL (SELECT k %% 10 AS f) AS form
    """,
    """
    INSERT INTO track
    SELECT slot, 'rsu-' || n %% 4, 'station-' || CASE WHEN n <= %(track)s / 2 THEN n ELSE 1000 + m / 10 * 100 + n END,
        50.9 + (m + n) %% 100 / 1e4, 13.3 + (m * n) %% 100 / 1e4, 13.9, 90, 60
    FROM minutes, generate_series(1, %(track)s) AS n
    """,
    """
    INSERT INTO seen
    SELECT domain, kind, CASE domain WHEN 'substation' THEN 'station-' || n %% 12 WHEN 'meter' THEN 'T' || n %% 1000
            ELSE 'vehicle-' || n %% 500 END,
        kind || ' ' || n, now() - interval '35 days' * (1 - power(random(), 30)),
        now() - CASE WHEN n %% 50 = 0 THEN interval '35 days' * power(random(), 2) ELSE interval '10 minutes' * random() END, 1000
    FROM generate_series(1, %(seen)s) AS n,
        LATERAL (SELECT CASE WHEN n %% 20 < 15 THEN 'meter' WHEN n %% 20 < 17 THEN 'substation' ELSE 'vehicle' END AS domain) AS d,
        LATERAL (SELECT CASE domain WHEN 'meter' THEN 'meter' WHEN 'vehicle' THEN 'CAN identifier'
            ELSE (ARRAY['Modbus server', 'host', 'IEC 104 station', 'GOOSE publisher'])[1 + n %% 4] END AS kind) AS k
    """,
    # As `infra.database` does for a database that is older than the sums of hours.
    (files("infra") / "sql" / "observe.sql").read_text(encoding="utf-8").replace("%%", "%%%%"),
    "UPDATE seen SET first = last WHERE first > last",
    "INSERT INTO site_place SELECT 'site-' || n, 45 + n %% 100 / 10.0, 8 + n / 100.0 FROM generate_series(0, 399) AS n",
)


def fill_telemetry(connection: psycopg.Connection[Any], days: int = KEPT_DAYS) -> None:
    """Put the sums of so many days of telemetry into an empty database, and places of most sites.

    Args:
        connection: of the owner of the tables.
        days: how many; assets are proportionally fewer.
    """
    values = {"days": days, "talk": _TALK, "level": _LEVEL, "track": _TRACK, "seen": _SEEN * days // KEPT_DAYS}
    with connection.transaction():
        connection.execute("SELECT setseed(0.5)")
        for statement in (_MINUTES, *_FILL):
            connection.execute(statement.encode(), values)
    connection.execute("VACUUM (ANALYZE)")
