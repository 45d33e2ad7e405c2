"""A device asks for content keys far more often than players do: keys are harvested, or the key server is to be overloaded.

Blind spot: a harvest slower than the bound, which is a multiple of what all but one in a hundred devices ask for; measure that
at your key server and set `usual` in the site file. Source: threat TV-02 of the catalogue; ITU-T X.1193 clause 7.2.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, DistinctWithin, Recent
from detectors.profiles import iptv
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import KEY_REQUEST


@dataclass(frozen=True)
class Params:
    usual: float = 30.0  # requests in the window that 99 % of the devices stay under
    times: float = 5.0  # fires above this multiple
    window_s: float = 600.0


DEVICE = ("device",)


def build(p: Params, site: Site) -> Firing:
    most = p.usual * p.times
    asked = CountWithin(DEVICE, p.window_s, 2 * int(most) + 2)
    services = DistinctWithin(DEVICE, p.window_s, 500, "service")
    return Firing(
        when=asked.col > most,
        memories=(asked, services),
        values={"asked": asked.col, "services": services.col, "most": pl.lit(most), "minutes": pl.lit(p.window_s / 60)},
        trail=(Recent(DEVICE, p.window_s, 20),),
    )


def _requests(number: int, every_s: float) -> list[dict[str, object]]:
    return [
        {
            "time": i * every_s,
            "key_server": "ks-1",
            "account": "a-4711",
            "device": "stb-1",
            "client": "198.51.100.23",
            "service": f"ch-{i % 90}",
            "result": "granted",
        }
        for i in range(number)
    ]


DETECTOR = Detector(
    id="key_flood",
    version=1,
    threat=iptv.TV_02,
    record=KEY_REQUEST,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    parties=Parties("device", "device", source="client", destination="account"),
    dedup=("account", "device"),
    episode_s=3600.0,
    says="{device} of {account} asked for {asked} keys of {services} services in {minutes} min",
    observed="{asked} requests in {minutes} min",
    expected="at most {most}",
    runbook=(
        "Refuse further keys to the device and ask for a new log-on.",
        "Look which services it asked for: all of them in turn is a harvest.",
        "Rotate the keys of these services if many were granted.",
    ),
    tolerance="a late request counts at the clock of its device; one later than the window is not counted",
    examples=(
        fires_on("a request every two seconds for ten minutes", _requests(300, 2.0)),
        quiet_on("a hundred channels zapped through in two minutes, then a film", _requests(100, 1.2)),
        quiet_on("a renewal a minute, for hours", _requests(300, 60.0)),
    ),
)
