"""A PostgreSQL query for the Foundation SDK, which has no class of its own for it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

#: The data source of provisioning/datasources. The short type name is known to old and new versions of Grafana.
SOURCE: Final = DataSourceRef(type_val="postgres", uid="gridwatch-postgres")


class Shape(Enum):
    """What Grafana makes of the rows."""

    TABLE = "table"
    TIME_SERIES = "time_series"  # columns time, metric (text) and value


@dataclass
class PostgresQuery(Dataquery, Builder[Dataquery]):
    """One query.

    Args:
        sql: with the macros of the PostgreSQL data source.
        shape: what the rows become.
        ref_id: letter of the query in its panel.
    """

    sql: str
    shape: Shape = Shape.TABLE
    ref_id: str = "A"

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, Any]:
        """As the query editor of Grafana saves it."""
        return {
            "refId": self.ref_id,
            "datasource": SOURCE,
            "editorMode": "code",
            "format": self.shape.value,
            "rawQuery": True,
            "rawSql": self.sql,
        }
