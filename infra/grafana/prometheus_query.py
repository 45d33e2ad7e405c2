"""Queries to Prometheus, which may be absent: panels that ask it say in their empty state what that means."""

from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import QueryEditorMode

#: The data source of provisioning/datasources/prometheus.yaml.
METRICS: Final = DataSourceRef(type_val="prometheus", uid="gridwatch-prometheus")


def over_time(expression: str, legend: str, ref_id: str) -> Dataquery:
    """A query over the dashboard's time; each series is named by `legend`, with its labels in double braces."""
    return _query(expression, ref_id).range().legend_format(legend)


def at_once(expression: str) -> Dataquery:
    """A query of the present, for alert rules."""
    return _query(expression, "A").instant()


def _query(expression: str, ref_id: str) -> Dataquery:
    return Dataquery().datasource(METRICS).expr(expression).editor_mode(QueryEditorMode.CODE).ref_id(ref_id)
