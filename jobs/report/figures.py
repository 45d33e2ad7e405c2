"""The figures of a period, read from PostgreSQL as of one moment.

Alerts count by when they were detected, incidents by when they were opened here: event times are chosen by senders.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from jobs.report.period import SLOT, Period

#: Bars of a chart at most; rows of a ranking; incidents that are listed.
BARS: Final = 60
RANKED: Final = 10
LISTED: Final = 200

Row = dict[str, Any]


@dataclass(frozen=True)
class Figures:
    """What there is to say of a period.

    Args:
        period: of which.
        now: as of when.
        bar: span of a bar of the charts.
        alerts: `bar` (its begin), `domain`, `severity_id`, `alerts`: those that nothing suppressed.
        suppressed: how many alerts were.
        incidents: one row: `opened`, `closed`, `reopened`, `acknowledged` (steps in the period), `waiting` (open now),
            `working` (acknowledged now), `acknowledge`, `close` (mean spans, None where there were none) and
            `acknowledge_median`, `close_median`.
        opened: `severity_id`, `domain`, `incidents` opened in the period.
        verdicts: `verdict`, `incidents` closed in the period with it.
        detectors: `detector`, `threat`, `alerts`.
        techniques: `technique`, `alerts`, `detectors`.
        entities: `entity_kind`, `entity`, `site`, `alerts`, `severity_id`.
        sites: `site`, `alerts`, `severity_id`.
        listed: incidents opened or touched in the period, the most severe and latest first, `LISTED` at most.
        listable: how many there are.
        deadletters: `stage`, `topic`, `reason`, `records` refused in the period.
        hiding: `suppression`, `alerts` hidden in the period by each.
        suppressions: rows of those that people made and that hid something or could have, in the period.
    """

    period: Period
    now: datetime
    bar: timedelta
    alerts: list[Row]
    suppressed: int
    incidents: Row
    opened: list[Row]
    verdicts: list[Row]
    detectors: list[Row]
    techniques: list[Row]
    entities: list[Row]
    sites: list[Row]
    listed: list[Row]
    listable: int
    deadletters: list[Row]
    hiding: list[Row]
    suppressions: list[Row]


def figures(connection: psycopg.Connection[Any], period: Period) -> Figures:
    """Read them.

    Args:
        connection: of a role that may read incidents, alerts and the sums, outside of a transaction.
        period: of which.
    """
    bar = SLOT * max(1, -(-(period.ends - period.begins) // (BARS * SLOT)))
    values = {"begins": period.begins, "ends": period.ends, "bar": bar, "ranked": RANKED, "listed": LISTED}
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = {name: cursor.execute(query.encode(), values).fetchall() for name, query in _QUERIES.items()}
    return Figures(
        period=period,
        now=found["now"][0]["now"],
        bar=bar,
        suppressed=found["suppressed"][0]["alerts"],
        incidents={**found["steps"][0], **found["standing"][0]},
        listable=found["listable"][0]["incidents"],
        **{name: found[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE: Final = (
    "alerts", "opened", "verdicts", "detectors", "techniques", "entities", "sites", "listed", "deadletters", "hiding",
    "suppressions",
)  # fmt: skip

_SLOTS: Final = "FROM alert_rollup WHERE slot >= %(begins)s AND slot < %(ends)s"
_ALERTS: Final = "FROM alert WHERE detected >= %(begins)s AND detected < %(ends)s AND suppression IS NULL"
_TOUCHED: Final = """
    FROM incident WHERE opened >= %(begins)s AND opened < %(ends)s
        OR incident_id IN (SELECT incident_id FROM incident_event WHERE at >= %(begins)s AND at < %(ends)s)
"""
_QUERIES: Final = {
    "now": "SELECT now() AS now",
    "alerts": f"""
        SELECT date_bin(%(bar)s, slot, %(begins)s) AS bar, domain, severity_id, sum(alerts)::bigint AS alerts
        {_SLOTS} AND NOT suppressed GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """,
    "suppressed": f"SELECT coalesce(sum(alerts), 0)::bigint AS alerts {_SLOTS} AND suppressed",
    # A step counts from the moment since when the incident had waited: its opening, or its last reopening.
    "steps": """
        WITH step AS (
            SELECT e.action, e.at - coalesce(
                (SELECT max(b.at) FROM incident_event b
                    WHERE b.incident_id = e.incident_id AND b.version < e.version AND b.action = 'reopen'),
                i.opened) AS took
            FROM incident_event e JOIN incident i USING (incident_id) WHERE e.at >= %(begins)s AND e.at < %(ends)s
        )
        SELECT (SELECT count(*) FROM incident WHERE opened >= %(begins)s AND opened < %(ends)s) AS opened,
            count(*) FILTER (WHERE action = 'acknowledge') AS acknowledged,
            count(*) FILTER (WHERE action = 'close') AS closed,
            count(*) FILTER (WHERE action = 'reopen') AS reopened,
            avg(took) FILTER (WHERE action = 'acknowledge') AS acknowledge,
            avg(took) FILTER (WHERE action = 'close') AS close,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE action = 'acknowledge') AS acknowledge_median,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FILTER (WHERE action = 'close') AS close_median
        FROM step
    """,
    "standing": """
        SELECT count(*) FILTER (WHERE status = 'open') AS waiting, count(*) FILTER (WHERE status = 'acknowledged') AS working
        FROM incident WHERE status <> 'closed'
    """,
    "opened": """
        SELECT severity_id, domain, count(*) AS incidents FROM incident
        WHERE opened >= %(begins)s AND opened < %(ends)s GROUP BY 1, 2 ORDER BY 1, 2
    """,
    "verdicts": """
        SELECT verdict, count(*) AS incidents FROM incident_event
        WHERE action = 'close' AND at >= %(begins)s AND at < %(ends)s GROUP BY 1 ORDER BY 2 DESC, 1
    """,
    "detectors": f"""
        SELECT detector, threat, sum(alerts)::bigint AS alerts {_SLOTS} AND NOT suppressed
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(ranked)s
    """,
    "techniques": f"""
        SELECT technique, sum(alerts)::bigint AS alerts, count(DISTINCT detector) AS detectors {_SLOTS} AND NOT suppressed
        GROUP BY 1 ORDER BY 2 DESC, 1
    """,
    "entities": f"""
        SELECT entity_kind, entity, site, count(*) AS alerts, max(severity_id) AS severity_id {_ALERTS}
        GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 DESC, 1, 2, 3 LIMIT %(ranked)s
    """,
    "sites": f"""
        SELECT site, count(*) AS alerts, max(severity_id) AS severity_id {_ALERTS}
        GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT %(ranked)s
    """,
    "listed": f"SELECT * {_TOUCHED} ORDER BY severity_id DESC, last_time DESC, incident_id LIMIT %(listed)s",
    "listable": f"SELECT count(*) AS incidents {_TOUCHED}",
    "deadletters": """
        SELECT stage, topic, reason, sum(records)::bigint AS records FROM deadletter_rollup
        WHERE slot >= %(begins)s AND slot < %(ends)s GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT 50
    """,
    "hiding": """
        SELECT suppression, count(*) AS alerts FROM alert
        WHERE suppression IS NOT NULL AND detected >= %(begins)s AND detected < %(ends)s
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50
    """,
    "suppressions": """
        SELECT * FROM suppression WHERE begins < %(ends)s AND expires > %(begins)s ORDER BY made DESC, id LIMIT 50
    """,
}
