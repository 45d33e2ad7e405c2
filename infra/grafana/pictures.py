"""Panels that are pictures: who talks to whom, states over time, places on a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common, geomap, nodegraph, statetimeline
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as models
from grafana_foundation_sdk.models import nodegraph as node_models
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.geomap import MapCenterID

from infra.grafana.panels import NOTHING, SEVERITIES, Overrides
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


@dataclass(frozen=True)
class Layer:
    """Markers on a map.

    Args:
        name: in the legend.
        colour: of the markers.
        sql: gives latitude, longitude, and what is told of a place.
        coloured_by: column whose value colours a marker instead, by the thresholds of an override.
        sized_by: column by whose value markers grow.
    """

    name: str
    colour: str
    sql: str
    coloured_by: str | None = None
    sized_by: str | None = None


def places(
    title: str, says: str, layers: Sequence[Layer], overrides: Overrides | None = None, nothing: str = NOTHING
) -> Builder[Panel]:
    """Places on a map; the base map comes from the network where there is one, the markers draw without.

    Args:
        title, says: of the panel.
        layers: from the lowest to the highest.
        overrides: column -> property -> value.
        nothing: what it means that there is none.
    """
    panel = (
        geomap.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .no_value(nothing)
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
        .layers([_markers(layer, chr(65 + number)) for number, layer in enumerate(layers)])
    )
    for number, layer in enumerate(layers):
        panel = panel.with_target(PostgresQuery(layer.sql, ref_id=chr(65 + number)))
    for name, properties in (overrides or {}).items():
        panel = panel.override_by_name(name, [DynamicConfigValue(key, value) for key, value in properties.items()])
    return panel


def _markers(layer: Layer, ref_id: str) -> common.MapLayerOptions:
    colour, size = {"fixed": layer.colour}, {"fixed": 5, "min": 2, "max": 15}
    style: dict[str, Any] = {
        "color": colour if layer.coloured_by is None else colour | {"field": layer.coloured_by},
        "opacity": 0.7,
        "size": size if layer.sized_by is None else size | {"field": layer.sized_by, "min": 6, "max": 20},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    return (
        common.MapLayerOptions()
        .type("markers")
        .name(layer.name)
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
