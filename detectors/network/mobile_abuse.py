"""A subscriber sends messages, calls premium numbers, looks up names in vain or sends data as an infected device does.

Within ten minutes (or an interval that is longer, with bounds in proportion): more than `sms_max` short messages, more than
`premium_max` premium-rate numbers, or more than half of over `dns_min` DNS queries answered by NXDOMAIN. Of fixed assets also:
data to an address that its access point does not allow (`mobile.destinations` of the site file), and `times_most` times more
sent in an interval than ever before. Blind spot: abuse below the counts; a growth of traffic in steps. A modem that sends its
whole log for the first time looks the same. Source: threat MOB-01 of the catalogue; ITU-T X.1126; NIST Mobile Threat Catalogue
APP-16.
"""

from dataclasses import dataclass

import polars as pl

from detectors.addresses import in_networks
from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, Least, Recent, SumWithin
from detectors.profiles import mobile
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.subscribers import in_exchange, is_fixed
from schemas.records import MOBILE_USAGE


@dataclass(frozen=True)
class Params:
    window_s: float = 600.0
    sms_max: int = 30  # in the window: fires above
    premium_max: int = 3  # in the window: fires above
    dns_min: int = 50  # queries in the window from which the share counts
    dns_share: float = 0.5  # of queries answered by NXDOMAIN: fires above
    times_most: float = 10.0  # over the most that the asset ever sent in an interval of this length
    bytes_min: float = 5e6  # less is not judged
    intervals_min: int = 48  # before that is known


IMSI = ("imsi",)
LESS = Derived("less of bytes sent", -pl.col("bytes_up").cast(pl.Float64))
TOLD = Derived("bytes sent are told", pl.col("bytes_up").is_not_null())
BY_LENGTH = ("imsi", "interval_s")


def build(p: Params, site: Site) -> Firing:
    def total(field: str) -> SumWithin:
        return SumWithin(IMSI, p.window_s, 1000, field)

    sms, premium, queries, vain = map(total, ("sms_out", "premium_numbers", "dns_queries", "dns_nxdomain"))
    longer = pl.max_horizontal(pl.col("interval_s") * (1 / p.window_s), 1.0)
    least, known = Least(BY_LENGTH, LESS), CountWithin(BY_LENGTH, 40 * 86_400.0, p.intervals_min + 1, TOLD)
    most_sent = -least.col
    sends = is_fixed(site) & (known.col > p.intervals_min) & (pl.col("bytes_up") > p.bytes_min)
    sends &= pl.col("bytes_up") > p.times_most * most_sent
    strange = pl.lit(False)
    for apn, allowed in site.mobile.destinations.items():
        outside = pl.col("destinations").list.eval(~in_networks(pl.element(), allowed)).list.any()
        strange |= (pl.col("apn") == apn).fill_null(False) & outside.fill_null(False)
    reasons = (
        ((sms.col > p.sms_max * longer), pl.format("{} short messages", sms.col.cast(pl.Int64))),
        ((premium.col > p.premium_max * longer), pl.format("{} premium-rate numbers", premium.col.cast(pl.Int64))),
        (
            (queries.col > p.dns_min * longer) & (vain.col > p.dns_share * queries.col),
            pl.format("{} of {} names not found", vain.col.cast(pl.Int64), queries.col.cast(pl.Int64)),
        ),
        (strange, pl.lit("data to an address that its access point does not allow")),
        (
            sends.fill_null(False),
            pl.format("{} bytes sent, never more than {} before", "bytes_up", most_sent.cast(pl.Int64)),
        ),
    )
    why = pl.lit("")
    for condition, words in reversed(reasons):
        why = pl.when(condition).then(words).otherwise(why)
    return Firing(
        when=pl.any_horizontal(condition for condition, _ in reasons) & ~in_exchange(site),
        memories=(sms, premium, queries, vain, least, known),
        values={"why": why},
        trail=(Recent(IMSI, p.window_s, 10),),
    )


def _usage(time: float, **fields: object) -> dict[str, object]:
    return {"time": time, "platform": "operator-1", "imsi": "901700000000042", "interval_s": 300, **fields}


def _meter(number: int, bytes_up: int, begin: float = 0.0, **fields: object) -> list[dict[str, object]]:
    return [_usage(begin + 300.0 * i, bytes_up=bytes_up, fixed=True, **fields) for i in range(number)]


_FACTS = {"mobile": {"destinations": {"meters": ["198.51.100.0/24"]}}}

DETECTOR = Detector(
    id="mobile_abuse",
    version=1,
    threat=mobile.MOB_01,
    record=MOBILE_USAGE,
    kind=Remembering(build),
    params=Params,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    parties=Parties("subscriber", "imsi", source="imsi", destination="platform"),
    dedup=("imsi",),
    episode_s=3600.0,
    says="{imsi}: {why}",
    observed="{why}",
    expected="usage as that of its kind",
    runbook=(
        "Rate-limit the subscriber and quarantine its session.",
        "For an asset, have its owner re-image the modem; to a person, send a notice.",
        "If it is planned work, announce it in the site file.",
    ),
    tolerance="a late record counts at the clock of its subscriber; one later than the window is not counted",
    examples=(
        fires_on("120 short messages in ten minutes", [_usage(300.0 * i, sms_out=60) for i in range(2)]),
        fires_on("five premium-rate numbers", [_usage(0.0, premium_numbers=5)]),
        fires_on("names made up by an algorithm", [_usage(0.0, dns_queries=200, dns_nxdomain=180)]),
        fires_on("a meter sends 40 MB", [*_meter(60, 20_000), *_meter(2, 40_000_000, 18_000.0)]),
        fires_on(
            "a meter sends to an address outside its access point's list",
            [_usage(0.0, apn="meters", destinations=["198.51.100.7", "203.0.113.5"])],
            site=_FACTS,
        ),
        quiet_on("a meter that sends what it always sends", _meter(100, 20_000, apn="meters"), site=_FACTS),
        quiet_on(
            "a chat by short messages",
            [_usage(300.0 * i, sms_out=9, dns_queries=40, dns_nxdomain=4) for i in range(20)],
        ),
        quiet_on(
            "sixty in an hour, told once an hour", [_usage(3600.0 * i, sms_out=60, interval_s=3600) for i in range(3)]
        ),
        quiet_on("a new meter sends its whole memory", _meter(3, 40_000_000)),
    ),
)
