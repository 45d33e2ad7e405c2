"""The catalogue as rows of PostgreSQL, so that dashboards can say what a threat is and which ones nothing serves."""

from typing import Any

import psycopg
from psycopg import sql

from detectors.catalog import DETECTORS
from detectors.profiles import EVERY
from jobs.evaluate.scores import scores


def threats() -> list[dict[str, Any]]:
    """Rows of the table `threat`."""
    scored = scores()
    return [
        {
            "threat": threat.id,
            "title": threat.title,
            "domain": threat.domain,
            "asset": threat.asset,
            "observable": threat.observable,
            "severity_id": threat.severity.value,
            "technique": threat.technique.id,
            "technique_name": threat.technique.name,
            "tactics": list(threat.technique.tactics),
            "response": list(threat.response),
            "gap": threat.gap or None,
            "recall": scored.get(threat.id, {}).get("recall"),
            "after_s": scored.get(threat.id, {}).get("after_s"),
            "current": True,
        }
        for threat in EVERY
    ]


def detectors() -> list[dict[str, Any]]:
    """Rows of the table `detector`."""
    return [
        {
            "detector": detector.id,
            "version": detector.version,
            "threat": detector.threat.id,
            "technique": detector.threat.technique.id,
            "technique_name": detector.threat.technique.name,
            "tactics": list(detector.threat.technique.tactics),
            "severity_id": detector.severity.value,
            "domain": detector.record.domain.value,
            "record": detector.record.name,
            "needs": list(detector.needs),
            "current": True,
        }
        for detector in DETECTORS
    ]


def keep(connection: psycopg.Connection[Any]) -> None:
    """Write the catalogue; what is no longer in it stays, told apart."""
    with connection.transaction(), connection.cursor() as cursor:
        for table, rows in (("threat", threats()), ("detector", detectors())):
            names = list(rows[0])
            cursor.execute(
                sql.SQL("UPDATE {0} SET current = false WHERE current AND {0}.{0} <> ALL (%s)").format(
                    sql.Identifier(table)
                ),
                ([row[table] for row in rows],),
            )
            cursor.executemany(
                sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, names)),
                    sql.SQL(", ").join(map(sql.Placeholder, names)),
                    sql.Identifier(table),
                    sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(n)) for n in names[1:]),
                ),
                rows,
            )
