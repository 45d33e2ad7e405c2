"""The dashboard Pipeline health: whether records come in, and how fast, by what PostgreSQL and Prometheus can tell."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana import detection
from infra.grafana.board import BAD, GOOD, WARN, board
from infra.grafana.delays import delay, delays_by_domain, delays_over_time, landing_seen
from infra.grafana.panels import bars_over_time, number, rows

UID: Final = "gridwatch-health"

_NO_LETTER: Final = "nothing was refused in this time"


def health() -> Dashboard:
    """The dashboard."""
    moved = landing_seen()
    letters = number(
        "Dead letters",
        "Records refused in this time, anywhere in the pipeline. All are kept, with the reason.",
        "SELECT coalesce(sum(records), 0)::bigint AS records FROM deadletter_rollup WHERE $__timeFilter(slot)",
        [(None, GOOD), (1, WARN), (1000, BAD)],
    )
    unfiled = number(
        "Rows not in the lake",
        "Alerts and dead letters that no Parquet file is planned for yet; a minute's worth is usual.",
        "SELECT (SELECT count(*) FROM alert WHERE lake_file IS NULL) "
        "+ (SELECT count(*) FROM deadletter WHERE lake_file IS NULL) AS rows",
        [(None, GOOD), (100_000, WARN)],
    )
    unwritten = number(
        "Files not written",
        "Parquet files that are planned and not known to be in the lake: more than a few, for long, is a lake that refuses.",
        "SELECT count(*) AS files FROM lake_file WHERE written IS NULL",
        [(None, GOOD), (10, WARN)],
    )
    numbers = (
        delay("Event to alert, p50", "Half of the alerts were in this database so long after their event.", 0.5),
        delay("Event to alert, p99", "99 of 100 alerts were in this database so long after their event.", 0.99),
        moved,
        letters,
        unfiled,
        unwritten,
    )
    positions = rows(
        "Landed positions",
        "How far each partition was landed, how long ago that moved, and how many records wait behind it.",
        'SELECT topic, "partition", next_offset AS "next offset", greatest(end_offset - next_offset, 0) AS waiting, updated, '
        'extract(epoch FROM now() - updated) AS "moved ago" FROM landed_position ORDER BY topic, "partition"',
        {
            "waiting": {"custom.width": 90},
            "updated": {"custom.width": 170},
            "moved ago": {"unit": "s", "custom.width": 110},
        },
        nothing="nothing was ever landed here",
    )
    files = rows(
        "Parquet files",
        "Files of the lake that were planned in this time, by what they hold.",
        "SELECT record, coalesce(domain, '-') AS domain, count(*) AS files, coalesce(sum(rows), 0)::bigint AS rows, "
        'count(*) FILTER (WHERE written IS NULL) AS "not written", max(written) AS "last written" FROM lake_file '
        "WHERE $__timeFilter(planned) GROUP BY 1, 2 ORDER BY 1, 2",
        {"last written": {"custom.width": 170}},
        nothing="no file was planned in this time",
    )
    latest = rows(
        "Latest dead letters",
        "The last 100 refused records: who refused them, why, and where they stand.",
        "SELECT landed, stage, reason, detail, coalesce(capture, topic) AS place, "
        "coalesce(frame, \"offset\") AS position, length, encode(substring(content FROM 1 FOR 32), 'hex') "
        'AS "first bytes" FROM deadletter WHERE $__timeFilter(landed) ORDER BY landed DESC LIMIT 100',
        {"landed": {"custom.width": 170}, "length": {"unit": "bytes"}, "detail": {"custom.inspect": True}},
        sort_by="landed",
        nothing=_NO_LETTER,
    )
    return board(
        UID,
        "Gridwatch pipeline health",
        "Does it run, and how fast: delay from event to alert, lag and batches of detection, refused records, landed positions, files.",
        (),
        (
            (4, [(4, panel) for panel in numbers]),
            (
                9,
                [
                    (12, delays_over_time("Event to alert", "From the event to this database.")),
                    (
                        12,
                        delays_by_domain(
                            "Event to alert by domain", "From the event to this database, 99th percentile."
                        ),
                    ),
                ],
            ),
            (9, [(8, detection.lag()), (8, detection.delay()), (8, detection.silence())]),
            (9, [(8, detection.rates()), (8, detection.batches()), (8, detection.state())]),
            (9, [(12, detection.consumers()), (12, detection.refused())]),
            (9, [(12, _letters("reason")), (12, _letters("topic"))]),
            (9, [(12, positions), (12, files)]),
            (10, [(24, latest)]),
        ),
    )


def _letters(by: str) -> Builder[Panel]:
    return bars_over_time(
        f"Dead letters by {by}",
        "Refused records, by when they were landed.",
        f"SELECT $__timeGroupAlias(slot, '$__interval'), coalesce(nullif(left({by}, 60), ''), 'none') AS metric, "
        "sum(records)::bigint AS value FROM deadletter_rollup WHERE $__timeFilter(slot) GROUP BY 1, 2 ORDER BY 1, 2",
        {},
        _NO_LETTER,
        "5m",
    )
