"""The metering dashboard: energy that is missing, meters that are silent or were touched, and who commands them."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import board
from infra.grafana.panels import bars_over_time, lines_over_time, number, ranking, rows
from infra.grafana.pictures import CLASSES
from infra.grafana.variables import ALIVE, LEVEL, SLOT_TIME, TALK, among, sites

UID: Final = "gridwatch-meters"
TITLE: Final = "Gridwatch meters"

#: Transformers of the variable.
SITES: Final = "SELECT DISTINCT site FROM seen WHERE domain = 'meter' AND kind = 'meter' ORDER BY 1"
_AT: Final = among("site", "site")
_LEVEL: Final = f"domain = 'meter' AND $__timeFilter(slot) AND {_AT}"
_SEEN: Final = f"domain = 'meter' AND kind = 'meter' AND {_AT}"
#: Detectors of energy that is used and not paid for.
_THEFT: Final = (
    "('energy_balance', 'register_rollback', 'replayed_profile', 'tamper_load_drop', 'tamper_signature', 'consumption_drift', "
    "'unusual_reading')"
)
_TOUCHED: Final = "('tamper_signature', 'tamper_load_drop', 'event_flooding', 'event_log_cleared')"


def _numbers() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            6,
            number(
                "Meters",
                "Meters that were heard of in this time.",
                f"SELECT count(*) AS meters FROM seen WHERE {_SEEN} AND last >= $__timeFrom() AND first <= $__timeTo()",
                [(None, "#8ab8ff")],
            ),
        ),
        (
            6,
            number(
                "Silent meters",
                "Heard of in this time or the day before, and not for an hour at its end.",
                f"SELECT count(*) AS meters FROM seen WHERE {_SEEN} AND last < $__timeTo()::timestamptz - interval '1 hour' "
                "AND last >= $__timeFrom()::timestamptz - interval '1 day'",
                [(None, "#73bf69"), (1, "#ff9830")],
            ),
        ),
        (
            6,
            number(
                "Missing energy",
                "Of what was delivered to transformers that are measured, the share that no meter counted.",
                "SELECT 1 - sum(total) FILTER (WHERE measure = 'metered kWh') / "
                f"nullif(sum(total) FILTER (WHERE measure = 'delivered kWh'), 0) AS share FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'transformer' AND entity IN (SELECT entity FROM {LEVEL} WHERE {_LEVEL} "
                "AND measure = 'delivered kWh')",
                [(None, "#73bf69"), (0.1, "#ff9830"), (0.2, "#e02f44")],
                unit="percentunit",
                nothing="no transformer is measured",
            ),
        ),
        (
            6,
            number(
                "Disconnects",
                "Commands to switch a meter off.",
                f"SELECT coalesce(sum(records), 0)::bigint AS commands FROM {TALK} WHERE domain = 'meter' AND $__timeFilter(slot) "
                "AND action = 'disconnect'",
                [(None, "#8ab8ff"), (20, "#ff9830")],
            ),
        ),
    )


def _balance() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            lines_over_time(
                "Energy balance",
                "What transformers delivered, and what their meters counted; transformers without a meter of their own are left out.",
                f"SELECT {SLOT_TIME} AS time, measure AS metric, sum(total) AS value FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'transformer' AND measure IN ('metered kWh', 'delivered kWh') AND entity IN "
                f"(SELECT entity FROM {LEVEL} WHERE {_LEVEL} AND measure = 'delivered kWh') GROUP BY 1, 2 ORDER BY 1, 2",
                unit="kwatth",
            ),
        ),
        (
            12,
            rows(
                "Transformers",
                "Delivered and counted energy of each, the largest loss first. Meters report later than transformers: judge over hours.",
                "SELECT entity AS transformer, delivered, metered, (delivered - metered) / nullif(delivered, 0) AS missing FROM ("
                "SELECT entity, sum(total) FILTER (WHERE measure = 'delivered kWh') AS delivered, "
                f"coalesce(sum(total) FILTER (WHERE measure = 'metered kWh'), 0) AS metered FROM {LEVEL} "
                f"WHERE {_LEVEL} AND kind = 'transformer' GROUP BY entity) AS sums WHERE delivered IS NOT NULL "
                "ORDER BY missing DESC NULLS LAST, 1 LIMIT 200",
                {"delivered": {"unit": "kwatth"}, "metered": {"unit": "kwatth"}, "missing": {"unit": "percentunit"}},
            ),
        ),
    )


def _commands() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            bars_over_time(
                "Commands of head-ends",
                "What meters are told to do.",
                f"SELECT {SLOT_TIME} AS time, action AS metric, sum(records)::bigint AS value FROM {TALK} "
                "WHERE domain = 'meter' AND $__timeFilter(slot) AND protocol = 'head-end' GROUP BY 1, 2 ORDER BY 1, 2",
                {"read": CLASSES["read"], "disconnect": CLASSES["control"]},
            ),
        ),
        (
            12,
            rows(
                "Who commands",
                "Operators, head-ends and sessions at meters, with what they did.",
                'SELECT client AS who, server AS "at", protocol, action, sum(records)::bigint AS records, '
                f"sum(failures)::bigint AS refused, max(slot) AS last FROM {TALK} WHERE domain = 'meter' AND $__timeFilter(slot) "
                "GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2 LIMIT 200",
                {"last": {"custom.width": 170}, "records": {"custom.width": 90}, "refused": {"custom.width": 90}},
            ),
        ),
    )


def _touched() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            8,
            ranking(
                "Most suspicious of theft",
                "Meters and transformers by their alerts of theft, a severe one counting for more.",
                "SELECT left(entity, 60) AS asset, sum(alerts * severity_id)::bigint AS weight FROM incident WHERE domain = 'meter' "
                f"AND detector IN {_THEFT} AND {ALIVE} "
                "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
            ),
        ),
        (
            8,
            rows(
                "Touched meters",
                "Covers, magnets, cleared logs.",
                "SELECT updated AS last, entity AS meter, site AS transformer, title, status FROM incident WHERE domain = 'meter' "
                f"AND detector IN {_TOUCHED} AND {ALIVE} "
                "ORDER BY updated DESC LIMIT 100",
                {"last": {"custom.width": 170}},
                sort_by="last",
            ),
        ),
        (
            8,
            rows(
                "Silent meters",
                "Heard of in this time or the day before, and not for an hour at its end, the latest first.",
                f"SELECT last, entity AS meter, site AS transformer FROM seen WHERE {_SEEN} "
                "AND last < $__timeTo()::timestamptz - interval '1 hour' AND last >= $__timeFrom()::timestamptz - interval '1 day' "
                "ORDER BY last DESC, 2 LIMIT 200",
                {"last": {"custom.width": 170}},
                sort_by="last",
            ),
        ),
    )


def meters() -> Dashboard:
    """The dashboard."""
    lines = ((4, _numbers()), (10, _balance()), (9, _commands()), (10, _touched()))
    return board(
        UID,
        TITLE,
        "Energy that is missing, meters that are silent or were touched, and who commands them.",
        [sites("Transformer", SITES)],
        lines,
    )
