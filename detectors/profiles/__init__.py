"""The threat profiles: one entry per threat, 67 in all, a module per kind of service; and what is seen in alerts together."""

from detectors.profiles import (
    correlation,
    home_network,
    iptv,
    its_awareness,
    its_messages,
    its_vehicle,
    mobile,
    multicast,
    sensor_network,
    smart_grid_ami,
    smart_grid_operation,
    smart_grid_substation,
)
from detectors.profiles.drift import DRIFT
from detectors.profiles.threat import Threat

#: Courses of an attack that only several alerts together show; none of the threats.
CORRELATIONS: tuple[Threat, ...] = correlation.ALL

ALL: tuple[Threat, ...] = (
    *home_network.ALL,
    *iptv.ALL,
    *its_awareness.ALL,
    *its_messages.ALL,
    *its_vehicle.ALL,
    *mobile.ALL,
    *multicast.ALL,
    *sensor_network.ALL,
    *smart_grid_ami.ALL,
    *smart_grid_operation.ALL,
    *smart_grid_substation.ALL,
)

#: Whatever an alert of ours may be of: the threats, courses of attacks, and drift.
EVERY: tuple[Threat, ...] = (*ALL, *CORRELATIONS, DRIFT)
BY_ID: dict[str, Threat] = {threat.id: threat for threat in EVERY}
