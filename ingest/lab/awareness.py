"""When a station sends an awareness message.

Source: ETSI EN 302 637-2 V1.4.1, clause 6.1.3: at each check (T_CheckCamGen, 100 ms) a message is due when heading,
position or speed changed by more than 4 degrees, 4 m or 0.5 m/s since the last message, or a second (T_GenCamMax) has
passed.
"""

import math
from dataclasses import dataclass
from typing import Final

from ingest.lab.traffic import Car

HEADING_DEG: Final = 4.0
DISTANCE_M: Final = 4.0
SPEED_MS: Final = 0.5
MAX_GAP_S: Final = 1.0


@dataclass
class Awareness:
    """One station's last message."""

    sent_s: float | None = None
    last: Car | None = None

    def due(self, car: Car, at_s: float) -> bool:
        """True where a message is due; it is then taken as sent."""
        if self.last is not None and self.sent_s is not None:
            turned = abs((car.heading - self.last.heading + 180) % 360 - 180)
            moved = math.hypot(car.x - self.last.x, car.y - self.last.y)
            changed = abs(car.speed - self.last.speed)
            waited = at_s - self.sent_s
            if turned <= HEADING_DEG and moved <= DISTANCE_M and changed <= SPEED_MS and waited < MAX_GAP_S - 1e-6:
                return False
        self.sent_s, self.last = at_s, car
        return True
