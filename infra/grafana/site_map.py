"""The map of the sites, and the sites that are not on it."""

from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Panel

from infra.grafana.panels import SEVERITIES, link, rows
from infra.grafana.pictures import Layer, places
from infra.grafana.variables import INCIDENTS, among

_GIVEN: Final = "`gridwatch database places FILE` gives sites their places (docs/grafana.md)"
_WAITING: Final = "status IN ('open', 'acknowledged')"
#: What there is to work on, of the choice, however old it is.
_CHOSEN: Final = f"domain IN ($domain) AND severity_id >= $severity AND {among('detector', 'detector')}"
_PLACED: Final = "SELECT FROM site_place p WHERE p.site = w.site"
#: Where a site was that hears vehicles: near what it heard last.
_HEARD: Final = (
    "SELECT latitude, longitude FROM track WHERE receiver = w.site AND slot <= $__timeTo() ORDER BY slot DESC LIMIT 1"
)
#: Sites by what waits there and what happened there.
_WORK: Final = (
    f"SELECT site, count(*) FILTER (WHERE {_WAITING}) AS waiting, "
    f"coalesce(max(severity_id) FILTER (WHERE {_WAITING}), 0) AS worst, "
    f"coalesce(sum(alerts) FILTER (WHERE {INCIDENTS}), 0)::bigint AS alerts, max(updated) AS newest "
    f"FROM incident WHERE ({_WAITING} AND {_CHOSEN}) OR ({INCIDENTS}) GROUP BY site"
)
_COLUMNS: Final = 'worst AS "worst open severity", waiting AS "open incidents", alerts, newest'
_TO_SITE: Final = link(
    "Its incidents", "/d/gridwatch-incidents?var-site=${__value.raw:percentencode}&${__url_time_range}"
)
#: Green where nothing waits, else as the severity.
_SCALE: Final = ("#73bf69", *SEVERITIES.values())
_WORDS: Final = ("nothing open", *SEVERITIES)


def site_map() -> Builder[Panel]:
    """One marker a site: coloured by the worst that waits there, sized by how much."""
    return places(
        "Site map",
        "Sites that have a place, and receivers of V2X messages that have none near the station that they heard last. The colour "
        "is the worst severity of incidents that are not closed, green where there are none; the size tells how many they are. "
        "Alerts are those of incidents to which something happened in the time shown. No marker: no site has a place; "
        f"{_GIVEN}. Without the Internet the base map stays blank, the markers draw.",
        [
            Layer(
                "Sites",
                SEVERITIES["Informational"],
                f"WITH work AS ({_WORK}), known AS (SELECT site, latitude, longitude FROM site_place UNION ALL "
                f"SELECT w.site, heard.latitude, heard.longitude FROM work w CROSS JOIN LATERAL ({_HEARD}) AS heard "
                f"WHERE NOT EXISTS ({_PLACED})), shown AS (SELECT latitude, longitude, site, coalesce(worst, 0) AS "
                '"worst open severity", coalesce(waiting, 0) AS "open incidents", coalesce(alerts, 0) AS alerts, newest '
                "FROM known LEFT JOIN work USING (site) ORDER BY coalesce(worst, 0) DESC, site LIMIT 2000) "
                # The worst are drawn last, above the others.
                'SELECT * FROM shown ORDER BY "worst open severity", site',
                coloured_by="worst open severity",
                sized_by="open incidents",
            )
        ],
        {"site": _TO_SITE, "worst open severity": _severity()},
        nothing=f"no site has a place: {_GIVEN}",
    )


def not_on_the_map() -> Builder[Panel]:
    """Sites with incidents and without a place."""
    return rows(
        "Sites that are not on the map",
        f"Sites with incidents of this choice, and without a place; {_GIVEN}.",
        f"SELECT site, {_COLUMNS} FROM ({_WORK}) AS w WHERE NOT EXISTS ({_PLACED}) AND NOT EXISTS ({_HEARD}) "
        "ORDER BY worst DESC, waiting DESC, site LIMIT 200",
        {
            "site": _TO_SITE,
            "worst open severity": {
                **_severity(),
                "custom.cellOptions": {"type": "color-background", "mode": "basic"},
                "custom.displayMode": "color-background-solid",  # the same, for Grafana 9
            },
            "newest": {"custom.width": 170},
        },
        nothing="every site with incidents of this choice has a place",
    )


def _severity() -> dict[str, Any]:
    """Properties of a column that holds the numbers of severities, 0 for none: markers take colours from thresholds alone."""
    steps = [{"value": None if n == 0 else n, "color": colour} for n, colour in enumerate(_SCALE)]
    words = {str(n): {"text": word, "color": _SCALE[n], "index": n} for n, word in enumerate(_WORDS)}
    return {
        "color": {"mode": "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [{"type": "value", "options": words}],
    }
