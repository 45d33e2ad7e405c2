"""Far more messages than usual that are unsigned, badly signed or signed by somebody unknown.

Counts, a receiver, failures of one kind and all messages in a window: bad signatures (forgery), unknown or revoked signers (an old
trust list, or a made-up authority), and messages without a signature. Fires from `failures_min` on where their share is above a
floor of the kind and above `times` the receiver's own long-term share, learned while it is below the floor. Unknown signers must be
several: a stranger may pass by. Blind spot: fewer failures than `failures_min` a minute; one made-up signer; a receiver that takes part
in no security. A receiver that missed an update of the trust list fires where many cars are strangers to it. Source: threat ITS-11
of the catalogue; IEEE 1609.2 clause 5.2; ETSI TS 102 941 (trust lists).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.memory import CountWithin, Derived, DistinctWithin, Ewma, Memory, Recent
from detectors.profiles import its_messages
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from schemas.records import V2X_SECURITY


@dataclass(frozen=True)
class Params:
    window_s: float = 60.0
    failures_min: int = 20  # of one kind in the window
    forged_share: float = 0.01  # bad signatures: radio noise makes none, frames carry a check sum
    unsigned_share: float = 0.05
    unknown_share: float = 0.05  # a trust list is late now and then
    unknown_signers_min: int = 5  # one stranger may pass and send many messages
    times: float = 5.0  # the long-term share
    learn: int = 2000  # messages before that is known


BY = ("receiver",)
KINDS = {
    "forged": ("badly signed", (pl.col("error") == "bad_signature").fill_null(pl.col("signature") == "invalid")),
    "unsigned": ("not signed", pl.col("signature") == "absent"),
    "unknown": ("signed by whom it does not trust", pl.col("error").is_in(["unknown_signer", "revoked"]).fill_null(False)),
}  # fmt: skip


def build(p: Params, site: Site) -> Firing:
    every = CountWithin(BY, seconds=p.window_s, at_most=50_000)
    floors = {"forged": p.forged_share, "unsigned": p.unsigned_share, "unknown": p.unknown_share}
    memories: list[Memory] = []
    said, shares = [], []
    for kind, (words, holds) in KINDS.items():
        failed, number = Derived(f"failed: {kind}", holds), Derived(f"failed as number: {kind}", holds.cast(pl.Float64))
        count = CountWithin(BY, seconds=p.window_s, at_most=50_000, where=failed)
        share = count.col / every.col
        few = (count.col < p.failures_min) | (share <= floors[kind])
        below = Derived(f"few failed: {kind} {p.window_s:g}s {p.failures_min} {floors[kind]:g}", few, (every, count))
        # What one stranger sends in passing is neither judged nor learned.
        usual = Ewma(BY, number, alpha=1e-4, least=p.learn, where=below)
        fires = failed.expr & ~below.expr & (share > p.times * usual.col.fill_null(0.0))
        memories += [every, count, usual]
        if kind == "unknown":
            signers = DistinctWithin(BY, seconds=p.window_s, at_most=1000, value="certificate", where=failed)
            fires &= signers.col >= p.unknown_signers_min
            memories.append(signers)
        shares.append(pl.when(fires).then(share))
        said.append((fires, pl.format("{} of {} messages {}", count.col, every.col, pl.lit(words))))
    failed = Derived("failed", pl.any_horizontal(holds for _, holds in KINDS.values()))
    when, why = reasons(*said)
    return Firing(
        when=when,
        memories=tuple(memories),
        values={
            "why": why,
            "share": pl.coalesce(*shares, pl.lit(0.0)) * 100,
            "window": pl.lit(p.window_s),
            "usual": pl.max_horizontal(usual.col.fill_null(0.0) for usual in memories if isinstance(usual, Ewma)) * 100,
        },
        trail=(Recent(BY, seconds=p.window_s, at_most=50, where=failed),),
    )


def _heard(
    seconds: float, hz: float, signature: str = "valid", error: str | None = None, begin: float = 0.0
) -> list[dict[str, object]]:
    own = {"receiver": "R1", "signature": signature, "error": error}
    return [{"time": begin + i / hz, "certificate": f"c{i}", **own} for i in range(round(seconds * hz))]


def _mixed(*parts: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted((record for part in parts for record in part), key=lambda record: float(str(record["time"])))


_TRAFFIC = _heard(120, 20)

DETECTOR = Detector(
    id="signature_failures",
    version=2,
    threat=its_messages.ITS_11,
    record=V2X_SECURITY,
    kind=Remembering(build),
    params=Params,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    parties=Parties("receiver", "receiver", destination="receiver"),
    dedup=("receiver",),
    episode_s=900.0,
    says="{receiver} heard {why} in {window} s",
    observed="{why}, {share} %",
    expected="no more than usual; of the worst kind that is {usual} %",
    runbook=(
        "Keep verification on: do not fall back to accepting unsigned messages.",
        "If signers are unknown, update the trust and revocation lists of the roadside unit first.",
        "If signatures are bad, locate the transmitter: signal strength at neighbouring units, direction finding.",
    ),
    tolerance="a late record counts at the receiver's clock; one later than the window is not counted",
    examples=(
        fires_on("200 bad signatures in a minute", _mixed(_TRAFFIC, _heard(60, 3.4, "invalid", "bad_signature", 60.0))),
        fires_on("as many without a signature", _mixed(_TRAFFIC, _heard(60, 3.4, "absent", begin=60.0))),
        fires_on(
            "a quarter of all signers unknown", _mixed(_TRAFFIC, _heard(60, 7, "invalid", "unknown_signer", 60.0))
        ),
        fires_on(
            "many unknown signers, after one that passed by",
            _mixed(
                _TRAFFIC,
                [{**r, "certificate": "c"} for r in _heard(60, 20, "invalid", "unknown_signer")],
                _heard(60, 7, "invalid", "unknown_signer", 60.0),
            ),
        ),
        quiet_on(
            "one that passes by",
            _mixed(_TRAFFIC, [{**r, "certificate": "c"} for r in _heard(60, 20, "invalid", "unknown_signer", 30.0)]),
        ),
        quiet_on("a trust list that is old", _mixed(_TRAFFIC, _heard(120, 0.6, "invalid", "unknown_signer"))),
        quiet_on("a few bad signatures by night", _heard(60, 0.3, "invalid", "bad_signature")),
    ),
)
