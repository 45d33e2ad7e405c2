"""The variables at the top of the dashboards, and the conditions that they stand for. The same name means the same everywhere."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import ConstantVariable, CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh, VariableSort

from infra.grafana.postgres_query import SOURCE
from schemas.types import TELEMETRY_DOMAINS, Domain

#: Where the console listens unless it is told otherwise; `console` of the dashboards holds it.
CONSOLE: Final = "http://127.0.0.1:8080"

Variable = Builder[VariableModel]

#: What "All" stands for in a variable of many values: PostgreSQL folds the comparison with it away when it plans.
_ALL: Final = "'*'"
#: Incidents to which something happened in the time shown.
ALIVE: Final = "opened <= $__timeTo() AND updated >= $__timeFrom()"
_EVERYTHING: Final = VariableOption(text=["All"], value=["$__all"], selected=True)


def among(column: str, name: str) -> str:
    """The condition that a column holds one of the chosen values."""
    return f"({_ALL} IN (${name}) OR {column} IN (${name}))"


#: What the variables leave of alerts, by when they were detected and without those that a suppression hides.
ALERTS: Final = (
    f"$__timeFilter(detected) AND domain IN ($domain) AND severity_id >= $severity AND {among('detector', 'detector')}"
    " AND suppression IS NULL"
)
#: Slots of minutes; for times longer than two days those of an hour: PostgreSQL knows which when it plans.
_DAYS: Final = "$__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '2 days'"


def slots(table: str, name: str = "slots") -> str:
    """The sums of a table, in slots that suit the time shown, under a name."""
    return f"(SELECT * FROM {table} WHERE NOT ({_DAYS}) UNION ALL SELECT * FROM {table}_hour WHERE {_DAYS}) AS {name}"


def summed(table: str, select: str, rest: str) -> str:
    """A query of the sums of a table that adds them up itself: PostgreSQL plans it by what it knows of the table, not of a union.

    Args:
        table: whose slots suit the time shown.
        select: from SELECT on, up to FROM.
        rest: behind WHERE.
    """
    return f"({select} FROM {table} WHERE NOT ({_DAYS}) AND {rest} UNION ALL {select} FROM {table}_hour WHERE {_DAYS} AND {rest})"


#: The begin of the interval that a slot falls into, as a time: cheaper than the number that `$__timeGroup` reckons.
SLOT_TIME: Final = "date_bin(make_interval(secs => $__interval_ms / 1000.0), slot, 'epoch')"
#: Length of a slot of telemetry, seconds.
SLOT_S: Final = f"(CASE WHEN {_DAYS} THEN 3600.0 ELSE 60.0 END)"
TALK: Final = slots("talk")
LEVEL: Final = slots("level")
TRACK: Final = slots("track")
ALERT_SUMS: Final = slots("alert_rollup")
LATENCY_SUMS: Final = slots("latency_rollup")
#: What the variables leave of sums.
SUMS: Final = (
    f"$__timeFilter(slot) AND domain IN ($domain) AND severity_id >= $severity AND {among('detector', 'detector')}"
    " AND NOT suppressed"
)
#: The same of incidents: those that something happened to in the time shown, an alert or a step.
INCIDENTS: Final = f"{ALIVE} AND domain IN ($domain) AND severity_id >= $severity AND {among('detector', 'detector')}"


def domain() -> Variable:
    """Domains of telemetry, and what is found in alerts."""
    return (
        CustomVariable("domain")
        .label("Domain")
        .values(",".join(domain.value for domain in (*TELEMETRY_DOMAINS, Domain.CORRELATION)))
        .multi(True)
        .include_all(True)
        .current(_EVERYTHING)
    )


def severity() -> Variable:
    """The least severity shown, as OCSF severity_id."""
    return (
        CustomVariable("severity")
        .label("Severity from")
        .values("Informational : 1,Low : 2,Medium : 3,High : 4,Critical : 5")
        .current(VariableOption(text="Informational", value="1", selected=True))
    )


def status() -> Variable:
    """Where incidents stand; at first those that are not closed."""
    return (
        CustomVariable("status")
        .label("Status")
        .values("open,acknowledged,closed")
        .multi(True)
        .include_all(True)
        .current(VariableOption(text=["open", "acknowledged"], value=["open", "acknowledged"], selected=True))
    )


def detector() -> Variable:
    """Detectors that fired in this time."""
    return _many(
        "detector", "Detector", "SELECT DISTINCT detector FROM alert_rollup WHERE $__timeFilter(slot) ORDER BY 1"
    )


def site() -> Variable:
    """Sites with incidents in this time."""
    return _many("site", "Site", f"SELECT DISTINCT site FROM incident WHERE {ALIVE} ORDER BY 1 LIMIT 1000")


def sites(label: str, query: str) -> Variable:
    """Where telemetry of a domain comes from: sites, transformers, roadside units, vehicles."""
    return _many("site", label, query)


def assignee() -> Variable:
    """Whom incidents of this time are assigned to, and `nobody`."""
    return _many(
        "assignee",
        "Assignee",
        f"SELECT DISTINCT coalesce(assignee, 'nobody') FROM incident WHERE {ALIVE} ORDER BY 1 LIMIT 1000",
    )


def text(name: str, label: str, value: str = "") -> Variable:
    """A text that a link fills, or a person; use it as `${name:sqlstring}`."""
    return TextBoxVariable(name).label(label).default_value(value)


def console() -> Variable:
    """Root of the console's pages, for links."""
    return ConstantVariable("console").value(CONSOLE)


def _many(name: str, label: str, query: str) -> Variable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .multi(True)
        .include_all(True)
        # All of them, also of those that come to be after the dashboard was opened.
        .all_value(_ALL)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .current(_EVERYTHING)
    )
