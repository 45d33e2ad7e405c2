"""Where the lab's sites are: made up around the origin of its roads, but for the roadside units, which stand where they hear."""

import csv
import io
from typing import Final

from ingest.lab.load_profiles import Customer
from ingest.lab.site_facts import SITE
from ingest.lab.vehicles import RECEIVERS, wgs84

#: Metres between two transformers, and how many stand in a row, west of the substation.
_APART_M: Final = 250.0
_ROW: Final = 4


def places_file(customers: tuple[Customer, ...]) -> str:
    """Places of the substation, the transformers and the roadside units, as `gridwatch database places` takes them."""
    places = {SITE: (-300.0, 0.0)}
    for number, transformer in enumerate(sorted({customer.transformer for customer in customers})):
        row, column = divmod(number, _ROW)
        places[transformer] = (-300.0 - _APART_M * (1 + column), _APART_M * (row - 1))
    places |= {unit.address: (unit.x, unit.y) for unit in RECEIVERS}
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(("site", "latitude", "longitude"))
    for site, place in places.items():
        lines.writerow((site, *(f"{degrees:.6f}" for degrees in wgs84(*place))))
    return out.getvalue()
