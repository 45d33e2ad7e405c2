"""Panels that are pictures: who talks to whom, states over time, places on a map."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana_foundation_sdk.builders import common, geomap, nodegraph, statetimeline
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import nodegraph as node_models
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Panel, ValueMap, ValueMappingResult
from grafana_foundation_sdk.models.geomap import MapCenterID

from infra.grafana.panels import NOTHING, SEVERITIES
from infra.grafana.postgres_query import SOURCE, PostgresQuery, Shape

#: Circles of nodes: share of each class of action, as in `jobs.observe.views`, and its colour.
CLASSES: Final = {
    "read": "#73bf69",
    "report": "#8ab8ff",
    "write": "#ff9830",
    "control": "#e02f44",
    "system": "#b877d9",
    "other": "#9a9fa6",
}


def conversations(title: str, says: str, nodes: str, edges: str) -> Builder[Panel]:
    """A graph of who talks to whom.

    Args:
        title, says: of the panel.
        nodes: query of id, title, subtitle, mainstat, and a share named `arc__` and the class for each of `CLASSES`.
        edges: query of id, source, target, mainstat, secondarystat.
    """
    arcs: list[Builder[node_models.ArcOption]] = [
        nodegraph.ArcOption().field(f"arc__{name}").color(colour) for name, colour in CLASSES.items()
    ]
    return (
        nodegraph.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        # The names by which every Grafana knows the two frames apart.
        .with_target(PostgresQuery(nodes, ref_id="nodes"))
        .with_target(PostgresQuery(edges, ref_id="edges"))
        .no_value(NOTHING)
        .nodes(nodegraph.NodeOptions().main_stat_unit("short").arcs(arcs))
        .edges(nodegraph.EdgeOptions().main_stat_unit("short").secondary_stat_unit("short"))
    )


def states(title: str, says: str, sql: str, words: Mapping[int, tuple[str, str]]) -> Builder[Panel]:
    """States over time, a line each; the query gives time, metric and value.

    Args:
        title, says, sql: of the panel.
        words: value -> its word and colour.
    """
    options = {
        str(value): ValueMappingResult(text=word, color=colour, index=number)
        for number, (value, (word, colour)) in enumerate(words.items())
    }
    return (
        statetimeline.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .with_target(PostgresQuery(sql, Shape.TIME_SERIES))
        .no_value(NOTHING)
        .mappings([ValueMap(options=options)])
        .color_scheme(FieldColor().mode(FieldColorModeId.FIXED).fixed_color("#9a9fa6"))
        .merge_values(True)
        .show_value(models.VisibilityMode.AUTO)
        .row_height(0.8)
        .fill_opacity(80)
        .legend(
            common.VizLegendOptions()
            .display_mode(models.LegendDisplayMode.LIST)
            .placement(models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )


def places(title: str, says: str, layers: Sequence[tuple[str, str, str]]) -> Builder[Panel]:
    """Places on a map; the base map comes from the network where there is one, the markers draw without.

    Args:
        title, says: of the panel.
        layers: name, colour and query of each; a query gives latitude, longitude, and what is told of a place.
    """
    panel = (
        geomap.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .no_value(NOTHING)
        .view(
            geomap.MapViewConfig()
            .id(MapCenterID.FIT.value)
            .all_layers(True)
            .lat(0)
            .lon(0)
            .zoom(15)
            .max_zoom(17)
            .padding(10)
        )
        .controls(
            geomap.ControlsOptions()
            .show_zoom(True)
            .mouse_wheel_zoom(True)
            .show_attribution(True)
            .show_scale(True)
            .show_measure(False)
            .show_debug(False)
        )
        .basemap(common.MapLayerOptions().type("default").name("Base map").config({}))
        .layers([_markers(name, colour, f"{chr(65 + n)}") for n, (name, colour, _) in enumerate(layers)])
    )
    for number, (_, _, sql) in enumerate(layers):
        panel = panel.with_target(PostgresQuery(sql, ref_id=chr(65 + number)))
    return panel


def _markers(name: str, colour: str, ref_id: str) -> common.MapLayerOptions:
    style: dict[str, Any] = {
        "color": {"fixed": colour},
        "opacity": 0.7,
        "size": {"fixed": 5, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    return (
        common.MapLayerOptions()
        .type("markers")
        .name(name)
        .config({"showLegend": True, "style": style})
        .location(
            common.FrameGeometrySource()
            .mode(models.FrameGeometrySourceMode.COORDS)
            .latitude("latitude")
            .longitude("longitude")
        )
        .filter_data({"id": "byRefId", "options": ref_id})
        .tooltip(True)
    )


#: States of double points as IEC 60870-5-101 clause 7.2.6.2 codes them.
SWITCH: Final = {
    0: ("between", "#9a9fa6"),
    1: ("open", SEVERITIES["Medium"]),
    2: ("closed", SEVERITIES["Low"]),
    3: ("faulty", SEVERITIES["Critical"]),
}
