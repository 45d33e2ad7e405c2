"""A message to a meter whose invocation counter goes back or jumps far ahead, or that is protected less than before.

Per meter, system title and key the counter of a client only rises (a counter repeated at once is a retransmission, and
a change of keys lets it begin anew). Protection is compared with `meters.protection` of the site file, without that
with the best that the meter saw from this client. Blind spot: a replay to a meter of which no later message was seen;
messages whose counter and security control the source does not give; without site file a client that never used
protection. A head-end restored from a backup fires once. Source: threat SG-11 of the catalogue; DLMS/COSEM
security control and invocation counter (0.0.43.1.x.255), ANSI C12.22 EPSEM security mode; ITU-T X.1331 clauses 7.2, 7.4.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import Derived, Last, Least, TimeSince
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import DLMS_SESSION


@dataclass(frozen=True)
class Params:
    jump: int = 1_000_000  # counts ahead: fires above
    retry_s: float = 60.0  # within this time an equal counter is a retransmission
    rekey_s: float = 3600.0  # after a change of keys a counter may begin anew


#: Protection in rising order, as in the site file.
LEVELS = {"none": 0, "authenticated": 1, "encrypted": 2, "both": 3}
_BITS = pl.col("security_control") // 16 % 4
_C1222 = pl.col("c1222_security").replace_strict(
    ["cleartext", "authenticated", "ciphertext"], [0, 1, 3], default=None, return_dtype=pl.Int32
)
_LEVEL = pl.coalesce(_BITS, _C1222)
#: Negative, so that the least is the best seen. Null where the source gives no protection.
EXPOSED = Derived("exposure", -_LEVEL)
#: Class 64, security setup: keys are transferred by its actions.
REKEYS = Derived(
    "changes keys", (pl.col("service") == "action") & pl.col("obis").fill_null("").str.starts_with("0.0.43.")
)


def build(p: Params, site: Site) -> Firing:
    stream = ("meter", "system_title", "key_id")
    counts = Derived("counts", pl.col("invocation_counter").is_not_null())
    before, gap = Last(stream, "invocation_counter"), TimeSince(stream, counts)
    rekeyed, best = TimeSince(("meter",), REKEYS), Least(("meter", "client_sap"), EXPOSED)
    step = pl.col("invocation_counter") - before.col
    again = (step == 0) & (gap.col > p.retry_s)
    # A counter without a predecessor is compared with nothing.
    back = (((step < 0) | again) & ~(rekeyed.col < p.rekey_s).fill_null(False)).fill_null(False)
    ahead = (step > p.jump).fill_null(False)
    wanted = pl.lit(LEVELS[site.meters.protection]) if site.meters.protection else -best.col
    weak = (wanted > _LEVEL).fill_null(False)
    words = [pl.lit(w) for w in LEVELS]
    said = [pl.when(level == i).then(w) for level in (_LEVEL, wanted) for i, w in enumerate(words)]
    why = (
        pl.when(back)
        .then(pl.format("counter {} after {}", "invocation_counter", before.col))
        .when(ahead)
        .then(pl.format("counter {} far ahead of {}", "invocation_counter", before.col))
        .otherwise(pl.format("protection {} instead of {}", pl.coalesce(said[:4]), pl.coalesce(said[4:])))
    )
    return Firing(
        when=back | ahead | weak,
        memories=(before, gap, rekeyed, best),
        values={"why": why},
        trail=(Last(stream, REFERENCE),),
    )


def _says(time: float, counter: int | None, control: int | None = 0x30, **fields: object) -> dict[str, object]:
    return {
        "time": time,
        "source": "10.1.0.5",
        "client_sap": 1,
        "meter": "M1",
        "service": "get",
        "system_title": "4d4d4d0000000001",
        "key_id": 0,
        "invocation_counter": counter,
        "security_control": control,
        **fields,
    }


_READS = [_says(900.0 * i, 1000 + 3 * i) for i in range(10)]
_OTHER = "10.9.0.66"

DETECTOR = Detector(
    id="session_replay",
    version=1,
    threat=smart_grid_ami.SG_11,
    record=DLMS_SESSION,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("meter", "meter", source="source", destination="meter"),
    dedup=("source",),
    episode_s=3600.0,
    says="{source} to {meter}, service {service}: {why}",
    observed="{why}, service {service} of client {client_sap}",
    expected="a counter that rises by little, and the protection that the meter is used to",
    runbook=(
        "Drop the session and force a new association with fresh keys.",
        "Look for a head-end restored from a backup, a change of keys or a new driver before blaming an attacker.",
        "Keep the raw messages; compare the client's address with the head-end's.",
    ),
    tolerance="a late message is passed over: it is neither judged nor compared with",
    examples=(
        fires_on("an old message comes again from elsewhere", [*_READS, _says(9000, 1006, source=_OTHER)]),
        fires_on("the last message comes again an hour later", [*_READS, _says(13_000, 1027, source=_OTHER)]),
        fires_on("a counter far ahead", [*_READS, _says(9000, 9_000_000)]),
        fires_on("a write without encryption", [*_READS, _says(9000, 1030, 0x10, service="set")]),
        fires_on(
            "clear text on a C12.22 meter",
            [_says(900.0 * i, None, None, c1222_security=s) for i, s in enumerate(("ciphertext", "cleartext"))],
        ),
        fires_on("less than the site file demands", [_says(0, 1, 0x20)], site={"meters": {"protection": "both"}}),
        quiet_on("readings, the last of them sent again at once", [*_READS, _says(8104, 1027)]),
        quiet_on(
            "keys are changed, the counter begins anew",
            [*_READS, _says(9000, 1040, service="action", obis="0.0.43.0.0.255"), _says(9010, 1)],
        ),
        quiet_on(
            "the public client of a meter never had protection",
            [_says(60.0 * i, None, 0 if i % 2 else 0x30, client_sap=16 if i % 2 else 1) for i in range(10)],
        ),
    ),
)
