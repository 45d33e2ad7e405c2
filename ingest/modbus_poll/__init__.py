"""The Modbus/TCP poller: many devices of a point map, read at their periods, as `point` records with a quality."""

from ingest.modbus_poll.point_map import PointMap, load_point_map
from ingest.modbus_poll.source import poll

__all__ = ["PointMap", "load_point_map", "poll"]
