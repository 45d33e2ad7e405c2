"""What all dashboards share: the bar that leads from one to the other, marks of grave incidents, and the layout.

Time on every panel is the time of detection or of landing: an event time is chosen by whoever sends the record, and a
forged one would hide its alert from the last hour.
"""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard, DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, GridPos, Panel

from infra.grafana.panels import SEVERITIES
from infra.grafana.postgres_query import SOURCE
from infra.grafana.variables import Variable

#: Every dashboard carries it; the bar leads to whatever carries it.
TAG: Final = "gridwatch"
#: Columns of a grid.
WIDTH: Final = 24

#: The dashboard of one incident and that of one entity, which others lead to.
INCIDENT_UID: Final = "gridwatch-incident"
ENTITY_UID: Final = "gridwatch-entity"

GOOD, WARN, BAD = "#73bf69", "#ff9830", "#e02f44"

#: Panels from left to right, with their widths, and their height.
Line = tuple[int, Sequence[tuple[int, Builder[Panel]]]]


def board(
    uid: str,
    title: str,
    says: str,
    variables: Sequence[Variable],
    lines: Sequence[Line],
    since: str = "now-24h",
    refresh: str = "30s",
) -> Dashboard:
    """A dashboard.

    Args:
        uid: its identity, for links.
        title: in the bar and in lists.
        says: one sentence.
        variables: from left to right.
        lines: from top to bottom.
        since: begin of the time that it shows at first.
        refresh: how often it is drawn again.
    """
    made = (
        Dashboard(title)
        .uid(uid)
        .description(says)
        .tags([TAG])
        .timezone("browser")
        .time(since, "now")
        .refresh(refresh)
        .editable()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            DashboardLink("Gridwatch")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(False)
            .keep_time(True)
            .icon("external link")
        )
        .annotation(grave_incidents())
    )
    for variable in variables:
        made = made.with_variable(variable)
    number, y = 1, 0
    for height, panels in lines:
        x = 0
        for width, builder in panels:
            panel = builder.build()
            panel.id_val = number
            panel.grid_pos = GridPos(h=height, w=width, x=x, y=y)
            made = made.with_panel(_Built(panel))
            number += 1
            x += width
        y += height
    return made


def grave_incidents() -> AnnotationQuery:
    """Marks where incidents of severity high or above were opened."""
    return (
        AnnotationQuery()
        .name("Grave incidents")
        .datasource(SOURCE)
        .enable(True)
        .icon_color(SEVERITIES["Critical"])
        .expr(
            "SELECT opened AS time, severity || ': ' || title AS text, detector || ',' || technique AS tags "
            "FROM incident_overview WHERE $__timeFilter(opened) AND severity_id >= 4 ORDER BY 1 DESC LIMIT 100"
        )
    )


def to_incident() -> str:
    """Where a row of a table leads that has the columns incident, from and to (both as text, milliseconds)."""
    return (
        f"/d/{INCIDENT_UID}?var-incident=${{__data.fields.incident}}"
        "&from=${__data.fields.from}&to=${__data.fields.to}"
    )


#: The columns that `to_incident` needs: the time of an incident from a quarter of an hour before it was opened.
WHOLE_TIME: Final = (
    "incident_id AS incident, (extract(epoch FROM opened - interval '15 minutes') * 1000)::bigint::text AS \"from\", "
    "(extract(epoch FROM updated + interval '5 minutes') * 1000)::bigint::text AS \"to\""
)


def to_entity() -> str:
    """Where a cell that holds the name of an entity leads."""
    return f"/d/{ENTITY_UID}?var-entity=${{__value.raw:percentencode}}&${{__url_time_range}}"


class _Built(Builder[Panel]):
    """A panel that is placed already: the dashboard's own layout leaves it where it is."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def build(self) -> Panel:
        return self._panel
