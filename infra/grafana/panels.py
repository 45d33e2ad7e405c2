"""The kinds of panels that our dashboards are made of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, piechart, stat, table, timeseries
from grafana_foundation_sdk.builders import text as text_panel
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import piechart as pie_models
from grafana_foundation_sdk.models import text as text_models
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    Threshold,
    ThresholdsMode,
)

from infra.grafana.postgres_query import SOURCE, PostgresQuery, Shape
from infra.grafana.prometheus_query import METRICS, over_time

#: OCSF severities and their colours, worst last.
SEVERITIES: Final = {
    "Informational": "#8ab8ff",
    "Low": "#73bf69",
    "Medium": "#fade2a",
    "High": "#ff9830",
    "Critical": "#e02f44",
}

NOTHING: Final = "none in this time"

Steps = Sequence[tuple[float | None, str]]
Overrides = Mapping[str, Mapping[str, Any]]


def number(title: str, says: str, sql: str, steps: Steps, unit: str = "short", nothing: str = "0") -> Builder[Panel]:
    """One number, coloured by thresholds: (from, colour), the first from None; `nothing` stands for no number."""
    return (
        stat.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(PostgresQuery(sql))
        .unit(unit)
        .no_value(nothing)
        .thresholds(_thresholds(steps))
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .graph_mode(models.BigValueGraphMode.NONE)
        .color_mode(models.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))
    )


def bars_over_time(
    title: str, says: str, sql: str, colours: Mapping[str, str], nothing: str = NOTHING, least: str | None = None
) -> Builder[Panel]:
    """Stacked bars of counts; the query gives time, metric and value. `least` is the shortest interval of a bar."""
    panel = (
        _over_time(title, says, sql, nothing, least)
        .draw_style(models.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(0)
        .stacking(common.StackingConfig().mode(models.StackingMode.NORMAL).group("A"))
        .unit("short")
        .decimals(0)
        .min(0)
    )
    for name, colour in colours.items():
        panel = panel.override_by_name(name, [_colour(colour)])
    return panel


def lines_over_time(
    title: str, says: str, sql: str, unit: str, nothing: str = NOTHING, least: str | None = None
) -> Builder[Panel]:
    """Lines; the query gives time, metric and value. `least` is the shortest interval between two points."""
    return _lines(_over_time(title, says, sql, nothing, least), unit)


def measured_over_time(
    title: str, says: str, expressions: Mapping[str, str], unit: str, nothing: str
) -> Builder[Panel]:
    """Lines of what Prometheus measured: legend -> expression, whose labels the legend has in double braces."""
    queries = [over_time(text, legend, chr(ord("A") + n)) for n, (legend, text) in enumerate(expressions.items())]
    return _lines(_axes(title, says, METRICS, queries, nothing), unit)


def ranking(title: str, says: str, sql: str, nothing: str = NOTHING, most: int = 10) -> Builder[Panel]:
    """Horizontal bars, longest first; the query gives a name and a count."""
    return (
        bargauge.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(PostgresQuery(sql))
        .unit("short")
        .decimals(0)
        .min(0)
        .no_value(nothing)
        .color_scheme(FieldColor().mode(FieldColorModeId.FIXED).fixed_color("#ff9830"))
        .orientation(models.VizOrientation.HORIZONTAL)
        .display_mode(models.BarGaugeDisplayMode.BASIC)
        .show_unfilled(True)
        .reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]).limit(most).fields(""))
    )


def shares(
    title: str, says: str, sql: str, nothing: str = NOTHING, colours: Mapping[str, str] | None = None
) -> Builder[Panel]:
    """A ring of shares; the query gives a name and a count."""
    panel = (
        piechart.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(PostgresQuery(sql))
        .unit("short")
        .decimals(0)
        .no_value(nothing)
        .pie_type(pie_models.PieChartType.DONUT)
        .display_labels([pie_models.PieChartLabels.NAME, pie_models.PieChartLabels.VALUE])
        .legend(piechart.PieChartLegendOptions().show_legend(False).display_mode(models.LegendDisplayMode.LIST))
        .reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]).fields(""))
    )
    for name, colour in (colours or {}).items():
        panel = panel.override_by_name(name, [_colour(colour)])
    return panel


def rows(
    title: str,
    says: str,
    sql: str,
    overrides: Overrides,
    sort_by: str | None = None,
    nothing: str = NOTHING,
    filterable: bool = True,
) -> Builder[Panel]:
    """A table; `overrides` is column -> property -> value."""
    panel = (
        table.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(PostgresQuery(sql))
        .no_value(nothing)
        .show_header(True)
        .cell_height(models.TableCellHeight.SM)
        .filterable(filterable)
    )
    if sort_by is not None:
        panel = panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])
    for name, properties in overrides.items():
        panel = panel.override_by_name(name, [DynamicConfigValue(key, value) for key, value in properties.items()])
    return panel


def severity_cell() -> dict[str, Any]:
    """Properties of a column that holds severities in words."""
    values = {name: {"color": colour, "index": i, "text": name} for i, (name, colour) in enumerate(SEVERITIES.items())}
    return {
        "mappings": [{"type": "value", "options": values}],
        "custom.cellOptions": {"type": "color-background", "mode": "basic"},
        "custom.displayMode": "color-background-solid",  # the same, for Grafana 9
        "custom.width": 110,
    }


def status_cell() -> dict[str, Any]:
    """Properties of a column that holds where an incident stands."""
    colours = {"open": "#e02f44", "acknowledged": "#fade2a", "closed": "#73bf69"}
    values = {name: {"color": colour, "index": i, "text": name} for i, (name, colour) in enumerate(colours.items())}
    return {
        "mappings": [{"type": "value", "options": values}],
        "custom.cellOptions": {"type": "color-text"},
        "custom.displayMode": "color-text",
        "custom.width": 115,
    }


def link(title: str, url: str, elsewhere: bool = False) -> dict[str, Any]:
    """A property of a column: its cells lead to an address."""
    return {"links": [{"title": title, "url": url, "targetBlank": elsewhere}]}


def note(title: str, says: str, markdown: str) -> Builder[Panel]:
    """A text, with the variables of the dashboard put in."""
    return text_panel.Panel().title(title).description(says).mode(text_models.TextMode.MARKDOWN).content(markdown)


def _over_time(title: str, says: str, sql: str, nothing: str, least: str | None) -> timeseries.Panel:
    panel = _axes(title, says, SOURCE, [PostgresQuery(sql, Shape.TIME_SERIES)], nothing)
    return panel.interval(least) if least else panel


def _axes(
    title: str, says: str, source: DataSourceRef, queries: Sequence[Builder[Dataquery]], nothing: str
) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(source)
        .no_value(nothing)
        .legend(
            common.VizLegendOptions()
            .display_mode(models.LegendDisplayMode.LIST)
            .placement(models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(models.TooltipDisplayMode.MULTI).sort(models.SortOrder.DESCENDING))
    )
    for query in queries:
        panel = panel.with_target(query)
    return panel


def _lines(panel: timeseries.Panel, unit: str) -> timeseries.Panel:
    return (
        panel.draw_style(models.GraphDrawStyle.LINE)
        .fill_opacity(10)
        .line_width(2)
        .show_points(models.VisibilityMode.AUTO)
        .unit(unit)
        .min(0)
    )


def _thresholds(steps: Steps) -> ThresholdsConfig:
    made = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _colour(colour: str) -> DynamicConfigValue:
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
