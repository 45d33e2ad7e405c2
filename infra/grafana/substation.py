"""The substation dashboard: who talks to whom, what is switched, what the process says, and what is new there."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.board import board
from infra.grafana.panels import bars_over_time, lines_over_time, number, rows
from infra.grafana.pictures import CLASSES, SWITCH, conversations, states
from infra.grafana.variables import LEVEL, SLOT_TIME, TALK, among, sites, slots, summed

UID: Final = "gridwatch-substation"
TITLE: Final = "Gridwatch substations"

#: Sites of the variable.
SITES: Final = "SELECT DISTINCT site FROM seen WHERE domain = 'substation' ORDER BY 1"
_AT: Final = among("site", "site")
_AT_T: Final = among("t.site", "site")
_TALK: Final = f"domain = 'substation' AND $__timeFilter(slot) AND {_AT}"
_PAIRS: Final = "WITH pairs AS ({} ORDER BY n DESC LIMIT 300)".format(
    summed(
        "talk",
        "SELECT client, server, class, sum(records) AS n, sum(failures) AS f",
        f"{_TALK} AND protocol <> 'GOOSE' GROUP BY 1, 2, 3",
    )
)
_ARCS: Final = ", ".join(f"coalesce(sum(n) FILTER (WHERE class = '{c}'), 0) / sum(n) AS arc__{c}" for c in CLASSES)


def _numbers() -> tuple[tuple[int, Builder[Panel]], ...]:
    def count(title: str, says: str, sql: str) -> tuple[int, Builder[Panel]]:
        return 6, number(title, says, sql, [(None, "#8ab8ff")])

    return (
        count(
            "Hosts and stations",
            "Assets that were heard of in this time.",
            f"SELECT count(*) AS assets FROM seen WHERE domain = 'substation' AND {_AT} AND last >= $__timeFrom() "
            "AND first <= $__timeTo()",
        ),
        count(
            "New in this time",
            "Assets that were never heard of before.",
            f"SELECT count(*) AS assets FROM seen WHERE domain = 'substation' AND {_AT} AND $__timeFilter(first)",
        ),
        count(
            "Writes and controls",
            "Records that change something.",
            f"SELECT coalesce(sum(records), 0)::bigint AS records FROM {TALK} WHERE {_TALK} AND class IN ('write', 'control')",
        ),
        count(
            "Refused",
            "Exceptions, negative answers, refused connections.",
            f"SELECT coalesce(sum(failures), 0)::bigint AS records FROM {TALK} WHERE {_TALK}",
        ),
    )


def _talk() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            14,
            conversations(
                "Conversations",
                "Who asks whom; the ring of a host is what it takes part in: reads, reports, writes, controls. GOOSE is below.",
                f"{_PAIRS}, ends AS (SELECT client AS id, class, n FROM pairs UNION ALL SELECT server, class, n FROM pairs) "
                f"SELECT id, id AS title, 'records' AS subtitle, sum(n)::bigint AS mainstat, {_ARCS} FROM ends GROUP BY id",
                f"{_PAIRS} SELECT client || ' to ' || server AS id, client AS source, server AS target, "
                "sum(n)::bigint AS mainstat, sum(f)::bigint AS secondarystat FROM pairs GROUP BY client, server",
            ),
        ),
        (
            10,
            bars_over_time(
                "What is asked",
                "Records by what they do.",
                f"SELECT {SLOT_TIME} AS time, class AS metric, sum(records)::bigint AS value FROM {TALK} "
                f"WHERE {_TALK} GROUP BY 1, 2 ORDER BY 1, 2",
                CLASSES,
            ),
        ),
    )


def _course() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            bars_over_time(
                "Refused, by protocol",
                "Exceptions, negative answers and refused connections.",
                f"SELECT {SLOT_TIME} AS time, protocol AS metric, sum(failures)::bigint AS value FROM {TALK} "
                f"WHERE {_TALK} AND failures > 0 GROUP BY 1, 2 ORDER BY 1, 2",
                {},
            ),
        ),
        (
            12,
            rows(
                "Writes and controls",
                "Who changed something where, the latest first.",
                "SELECT max(slot) AS last, client, server, protocol, action, class, sum(records)::bigint AS records, "
                f"sum(failures)::bigint AS refused FROM {TALK} WHERE {_TALK} AND class IN ('write', 'control') "
                "GROUP BY client, server, protocol, action, class ORDER BY 1 DESC, 7 DESC LIMIT 200",
                {"last": {"custom.width": 170}, "records": {"custom.width": 80}, "refused": {"custom.width": 80}},
                sort_by="last",
            ),
        ),
    )


def _process() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            states(
                "Switches",
                "Positions as stations report them (IEC 60870-5-104), the last of each minute; commands are in the bars beside.",
                "SELECT slot AS time, entity AS metric, CASE measure WHEN 'state' THEN last + 1 ELSE last END AS value "
                f"FROM {LEVEL} WHERE domain = 'substation' AND $__timeFilter(slot) AND {_AT} AND kind = 'switch' "
                "ORDER BY 1, 2 LIMIT 5000",
                SWITCH,
            ),
        ),
        (
            12,
            bars_over_time(
                "Controls",
                "Commands by whom, to set against the positions.",
                f"SELECT {SLOT_TIME} AS time, client || ' to ' || server AS metric, "
                f"sum(records)::bigint AS value FROM {TALK} WHERE {_TALK} AND class = 'control' GROUP BY 1, 2 ORDER BY 1, 2",
                {},
            ),
        ),
    )


def _values() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            lines_over_time(
                "Process values",
                "The ten objects that were reported most; marks are incidents.",
                f"SELECT slot AS time, entity AS metric, last AS value FROM {LEVEL} WHERE domain = 'substation' "
                f"AND $__timeFilter(slot) AND {_AT} AND kind = 'process value' AND entity IN (SELECT entity "
                f"FROM {LEVEL} WHERE domain = 'substation' AND $__timeFilter(slot) AND {_AT} "
                "AND kind = 'process value' GROUP BY 1 ORDER BY sum(records) DESC, 1 LIMIT 10) ORDER BY 1, 2",
                unit="short",
            ),
        ),
        (
            12,
            rows(
                "GOOSE publishers",
                "Control blocks, who sends them, how often, and the last state number.",
                'SELECT t.server AS "control block", t.client AS "from", t.site, sum(t.records)::bigint AS messages, '
                "max(t.slot) AS last, (SELECT l.last::bigint "
                f"FROM {slots('level', 'l')} WHERE l.domain = 'substation' AND l.measure = 'stNum' "
                "AND l.site = t.site AND l.kind = 'control block' AND l.entity = t.server AND l.slot = max(t.slot)) AS \"stNum\" "
                f"FROM {slots('talk', 't')} "
                f"WHERE t.domain = 'substation' AND $__timeFilter(t.slot) AND {_AT_T} AND t.protocol = 'GOOSE' "
                "GROUP BY t.server, t.client, t.site ORDER BY 4 DESC LIMIT 200",
                {"last": {"custom.width": 170}, "messages": {"custom.width": 100}},
            ),
        ),
    )


def _assets() -> tuple[tuple[int, Builder[Panel]], ...]:
    return (
        (
            12,
            rows(
                "Never seen before",
                "Assets that were first heard of in this time.",
                f"SELECT first, kind, entity, site, last, records FROM seen WHERE domain = 'substation' AND {_AT} "
                "AND $__timeFilter(first) ORDER BY first DESC LIMIT 200",
                {"first": {"custom.width": 170}, "last": {"custom.width": 170}, "records": {"custom.width": 90}},
                sort_by="first",
            ),
        ),
        (
            12,
            rows(
                "Silent",
                "Assets that were heard of in this time or the day before, and not for ten minutes at its end.",
                f"SELECT last, kind, entity, site, records FROM seen WHERE domain = 'substation' AND {_AT} "
                "AND last < $__timeTo()::timestamptz - interval '10 minutes' AND last >= $__timeFrom()::timestamptz - interval '1 day' "
                "ORDER BY last DESC LIMIT 200",
                {"last": {"custom.width": 170}, "records": {"custom.width": 90}},
                sort_by="last",
            ),
        ),
    )


def substation() -> Dashboard:
    """The dashboard."""
    lines = ((4, _numbers()), (14, _talk()), (9, _course()), (10, _process()), (10, _values()), (9, _assets()))
    return board(
        UID,
        TITLE,
        "Who talks to whom in substations, what is switched, what the process says, and what is new there.",
        [sites("Site", SITES)],
        lines,
    )
