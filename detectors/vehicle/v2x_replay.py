"""A signed V2X message that is old, from the future, heard before, or from a place that the receiver cannot hear.

Compares the generation time of the security header with the time of reception, a mean error of the receiver's own clock left out.
A message that carries no generation time is known by the digest of what is signed; one that is older than what its certificate
sent before is a repetition too. Forwarded messages and warnings may be older. Where the site file says where receivers stand
(`v2x.receivers`), awareness messages from farther than radio reaches were carried there. Blind spot: a replay within
`age_max_s` after the first message near the same receiver; the same message at two receivers that hear the same area. An error of
the receiver's clock beyond `clock_max_s` fires for all it hears. Source: threat ITS-09 of the catalogue; IEEE 1609.2 clause 5.2 (replay,
relevance); F2MD attack types DataReplay and StaleMessages.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.geometry import east_m, is_position, length, north_m
from detectors.memory import Derived, Ewma, Last, Recent, SeenBefore
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import V2X_SECURITY


@dataclass(frozen=True)
class Params:
    age_max_s: float = 2.0
    forwarded_max_s: float = 60.0  # of a forwarded message or a warning
    ahead_max_s: float = 0.5  # generated later than heard
    back_max_s: float = 1.0  # older than what the certificate sent before
    cache_s: float = 600.0  # digests of undated messages
    copy_s: float = 1.0  # the same message so soon is a copy: two antennas, two channels
    clock_max_s: float = 1.0  # error of the receiver's clock that is left out
    range_m: float = 2000.0


BY = ("certificate",)
SIGNED = pl.col("certificate").is_not_null() & (pl.col("signature") != "invalid")
#: A warning, or passed on by another station: it may have been on its way for a while.
SLOW = (
    pl.col("forwarded").fill_null(False) | (pl.col("psid") == 37).fill_null(False) | (pl.col("message") == "denm").fill_null(False)
)  # fmt: skip
BEACON = pl.col("message").is_in(["cam", "bsm"]).fill_null(False) | pl.col("psid").is_in([32, 36]).fill_null(False)
UNDATED = Derived("signed but undated", SIGNED & pl.col("generation_time").is_null())
GENERATED = pl.col("generation_time").dt.epoch("us")
AGE = (pl.col("time").dt.epoch("us") - GENERATED) * 1e-6
PROMPT = Derived("signed at first hand", SIGNED & ~SLOW)
OLDEST = Derived("generated", GENERATED)


def build(p: Params, site: Site) -> Firing:
    error = Derived(f"age within {p.clock_max_s:g}s", AGE.clip(-p.clock_max_s, p.clock_max_s))
    clock = Ewma(("receiver",), error, alpha=0.01, least=50, where=PROMPT)
    age = AGE - clock.col.fill_null(0.0).clip(-p.clock_max_s, p.clock_max_s)
    before = Last(BY, OLDEST, PROMPT)
    back = (before.col - GENERATED) * 1e-6
    seen, copied = (
        SeenBefore(BY, seconds=seconds, at_most=100, value="payload_hash", where=UNDATED)
        for seconds in (p.cache_s, p.copy_s)
    )
    old = age > pl.when(SLOW).then(p.forwarded_max_s).otherwise(p.age_max_s)
    returned = PROMPT.col & (back > p.back_max_s)
    again = UNDATED.col & seen.col & ~copied.col
    places = site.v2x.receivers
    here = [
        pl.col("receiver").replace_strict(list(places), values, default=None, return_dtype=pl.Float64)
        for values in ([p.latitude for p in places.values()], [p.longitude for p in places.values()])
    ]
    far = length(east_m(pl.col("latitude"), pl.col("longitude"), here[1]), north_m(pl.col("latitude"), here[0]))
    carried = PROMPT.col & BEACON & is_position("latitude", "longitude") & (far > p.range_m)
    when, why = reasons(
        (SIGNED & old, pl.format("generated {} s before it was heard", age.round(1))),
        (SIGNED & (age < -p.ahead_max_s), pl.format("generated {} s after it was heard", (-age).round(1))),
        (returned, pl.format("{} s older than what its sender said before", back.round(1))),
        (again, "heard before"),
        (carried, pl.format("generated {} m away", far.round(0).cast(pl.Int64, strict=False))),
        (pl.col("error") == "replayed", "a replay, says the security layer"),
    )
    return Firing(
        when=when,
        memories=(clock, before, seen, copied),
        values={
            "why": why,
            "what": pl.col("message").fill_null("message"),
            "who": pl.col("certificate").fill_null("nobody"),
        },
        trail=(Recent(("receiver",), seconds=1.0, at_most=5),),
    )


def _messages(count: int, delay_s: float, begin: float = 0.0, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "time": begin + i * 0.5 + delay_s,
            "generation_time": begin + i * 0.5,
            "receiver": "R1",
            "certificate": "c1",
            "message": "cam",
            "psid": 36,
            "signature": "valid",
            "payload_hash": f"{begin}{i}",
            **fields,
        }
        for i in range(count)
    ]


def _undated(*times: float) -> list[dict[str, object]]:
    own = {"receiver": "R1", "certificate": "c1", "signature": "valid", "payload_hash": "h"}
    return [{**own, "time": time} for time in times]


_SITE = {"v2x": {"receivers": {"R1": {"latitude": 48.0, "longitude": 11.0}}}}

DETECTOR = Detector(
    id="v2x_replay",
    version=1,
    threat=its_messages.ITS_09,
    record=V2X_SECURITY,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("receiver", "receiver", source="certificate", destination="receiver"),
    dedup=("receiver",),
    episode_s=300.0,
    says="{receiver} heard a {what} signed by {who} that is {why}",
    observed="{why}",
    expected="messages of the last two seconds, each once",
    runbook=(
        "Check the time source of the roadside unit first: with a wrong clock all that it hears looks old.",
        "Have the roadside unit discard what is old or repeated; do not forward repeated warnings.",
        "Locate the sender: signal strength at two roadside units, direction finding.",
    ),
    tolerance="records are judged in the order in which the receiver heard them",
    examples=(
        fires_on("messages of a minute ago", [*_messages(4, 0.02), *_messages(4, 60.0, 0.0, certificate="c2")]),
        fires_on("a message from the future", _messages(1, -1.0)),
        fires_on("one second and a half old, while its sender is heard", [*_messages(4, 0.02), *_messages(1, 1.55)]),
        fires_on("an undated message twice", _undated(0.0, 0.02, 60.0)),
        fires_on("a message from another town", _messages(1, 0.02, latitude=48.1, longitude=11.0), site=_SITE),
        quiet_on(
            "every message twice, from nearby", _messages(4, 0.02, latitude=48.001, longitude=11.0) * 2, site=_SITE
        ),
        quiet_on("a receiver whose clock is 0.7 s behind", [*_messages(100, -0.4), *_messages(100, -0.7, 50.0)]),
        quiet_on("a warning that others forwarded", _messages(3, 20.0, message="denm", psid=37)),
    ),
)
