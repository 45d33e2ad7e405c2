"""A report as one page of HTML: no script, nothing that is fetched, every name escaped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from markupsafe import Markup

from detectors import profiles
from jobs.export.chart import stacked
from jobs.export.html import environment
from jobs.land.suppressions import Suppression, waits
from jobs.report.figures import Figures, Row
from jobs.triage.page import Whole


def of_period(figures: Figures, suppressions: Sequence[Suppression] = ()) -> str:
    """The report of a period.

    Args:
        figures: of it.
        suppressions: of the site's file.
    """
    span = figures.period

    def chart(rows: Sequence[Row], height: int) -> Markup:
        return stacked(rows, span.begins, span.ends, figures.bar, height)

    domains = sorted({row["domain"] for row in [*figures.alerts, *figures.opened]})
    return _rendered(
        "period.html",
        figures.now,
        f=figures,
        domains={d: [row for row in figures.alerts if row["domain"] == d] for d in domains},
        techniques={t.id: t for threat in profiles.ALL for t in (threat.technique, *threat.also)},
        suppressions=_suppressions(figures, suppressions),
        chart=chart,
    )


def of_incident(whole: Whole, now: datetime) -> str:
    """The report of one incident.

    Args:
        whole: all that is known of it.
        now: as of when.
    """
    threat = profiles.BY_ID.get(whole.incident["threat"])
    return _rendered("incident.html", now, whole=whole, threat=threat)


def _rendered(template: str, now: datetime, **values: Any) -> str:
    style = (files("jobs.console") / "static" / "console.css").read_text(encoding="utf-8")
    own = (files("jobs.report") / "templates" / "report.css").read_text(encoding="utf-8")
    text: str = _ENVIRONMENT.get_template(template).render(
        # Our own files, the only text that is not escaped.
        style=Markup(style + own),
        now=now,
        version=version("gridwatch"),
        **values,
    )
    return text


def _suppressions(figures: Figures, of_file: Sequence[Suppression]) -> list[Row]:
    """Those that could hide something in the period, and those that did, with how many alerts each hid."""
    span = figures.period
    hid = {row["suppression"]: row["alerts"] for row in figures.hiding}
    found: dict[str, Row] = {}
    for one in of_file:
        if one.id in hid or (one.begins < span.ends and one.expires > span.begins):
            scope = {name: str(value) for name, value in one.scope.model_dump(mode="json", exclude_none=True).items()}
            found[one.id] = one.model_dump() | {"scope": scope, "waits": one.waits}
    for row in figures.suppressions:
        found[row["id"]] = {**row, "waits": waits(row["reviewed_by"], row["begins"], row["expires"])}
    for name in hid:
        # Of a file that does not have it any more, or is not known here.
        found.setdefault(name, {"id": name, "scope": {}, "waits": False})
    return sorted(
        ({**row, "alerts": hid.get(name, 0)} for name, row in found.items()),
        key=lambda row: (-row["alerts"], row["id"]),
    )


def _span(lasts: timedelta | None) -> str:
    if lasts is None:
        return "–"
    seconds = lasts.total_seconds()
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {word}"
    return f"{seconds:.0f} s"


def _summed(rows: Sequence[Row], column: str, **wanted: Any) -> int:
    return sum(int(row[column]) for row in rows if all(row[name] == value for name, value in wanted.items()))


_ENVIRONMENT: Final = environment("jobs.report")
_ENVIRONMENT.filters |= {"span": _span, "summed": _summed}
