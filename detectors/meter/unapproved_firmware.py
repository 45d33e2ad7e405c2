"""Firmware that is not approved, older than what ran, outside a roll-out, or activated at more devices than planned.

- A version, or the hash of its image, that `meters.firmware` of the site file does not have for the model; without that
  fact every version is taken.
- A device that runs a lower version than before. Versions are compared by their first four numbers.
- An image transfer that names no roll-out, at a head-end that names roll-outs.
- Activations at more devices in an hour than `activations_max`.

Blind spot: an implant that reports the approved version and hash; a device whose first report is already false. Source:
threat SG-12 of the catalogue; DLMS/COSEM image transfer, class 18, ImageTransferStatus; ITU-T X.1331 clause 7.4.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.facts.meters import Firmware
from detectors.memory import CountWithin, Derived, DistinctWithin, Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import smart_grid_ami
from detectors.profiles.threat import Severity
from detectors.site import Site
from detectors.versions import rank
from schemas.records import FIRMWARE_REPORT


@dataclass(frozen=True)
class Params:
    activations_max: int = 200  # devices of a head-end in an hour: fires above
    window_s: float = 3600.0


#: A head-end that named a roll-out within this time is taken to name them, seconds.
NAMED_S = 90 * 86_400.0
_STATUS = pl.col("image_status")
#: Reports of what runs: no transfer is under way, or activation succeeded.
RUNS = Derived("runs", _STATUS.is_in([0, 6]))
NAMED = Derived("names a roll-out", pl.col("campaign").is_not_null())
ACTIVATED = Derived("activated", _STATUS == 6)


RANK = Derived("rank of version", rank("version"))


def _is(approved: Firmware) -> pl.Expr:
    own = pl.col("version") == approved.version
    if approved.model is not None:
        own &= pl.col("model").fill_null("") == approved.model
    if approved.image_hash is not None:
        # A report without a hash is judged by its version alone.
        own &= pl.col("image_hash").fill_null(approved.image_hash).str.to_lowercase() == approved.image_hash.lower()
    return own


def build(p: Params, site: Site) -> Firing:
    device = ("device",)
    before, version = Last(device, RANK, RUNS), Last(device, "version", RUNS)
    named = CountWithin(("headend",), seconds=NAMED_S, at_most=1, where=NAMED)
    activated = DistinctWithin(
        ("headend",), seconds=p.window_s, at_most=2 * p.activations_max + 2, value="device", where=ACTIVATED
    )
    lower = (RUNS.expr & (RANK.expr < before.col)).fill_null(False)
    alone = _STATUS.is_in([1, 3, 6, 7]) & pl.col("campaign").is_null() & (named.col > 0)
    many = ACTIVATED.col & (activated.col > p.activations_max)
    foreign = pl.lit(False)
    if site.meters.firmware is not None:
        foreign = ~pl.any_horizontal(pl.lit(False), *map(_is, site.meters.firmware))
    why = (
        pl.when(foreign)
        .then(pl.lit("it is not approved"))
        .when(lower)
        .then(pl.format("{} ran before", version.col))
        .when(alone)
        .then(pl.lit("no roll-out is named"))
        .otherwise(pl.format("it is activated at {} devices within the hour", activated.col))
    )
    return Firing(
        when=foreign | lower | alone | many,
        memories=(before, version, named, activated),
        values={"why": why, "hash": pl.col("image_hash").fill_null("not given")},
        trail=(Last(device, REFERENCE),),
    )


def _reports(
    number: int, version: str, status: int, begin: float = 0.0, campaign: str | None = None, **fields: object
) -> list[dict[str, object]]:
    return [
        {
            "time": begin + 5.0 * i,
            "headend": "H1",
            "device": f"M{i}",
            "model": "A100",
            "version": version,
            "image_status": status,
            "campaign": campaign,
            **fields,
        }
        for i in range(number)
    ]


_ROLL_OUT = [
    *_reports(20, "1.2.0", 0),
    *(r for s in (1, 2, 3, 5, 6) for r in _reports(20, "1.10.0", s, 1000.0 * s, "C7")),
    *_reports(20, "1.10.0", 0, 9000.0),
]
_SITE = {"meters": {"firmware": [{"version": "1.2.0"}, {"version": "1.10.0", "model": "A100", "image_hash": "AB12"}]}}

DETECTOR = Detector(
    id="unapproved_firmware",
    version=1,
    threat=smart_grid_ami.SG_12,
    record=FIRMWARE_REPORT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("device", "device"),
    dedup=("headend", "version"),
    episode_s=3600.0,
    says="{device} has firmware {version}: {why}",
    observed="version {version}, image status {image_status}, hash {hash}: {why}",
    expected="approved firmware, brought by a roll-out",
    runbook=(
        "Stop the roll-out and the image server; quarantine the concentrator that pushed it.",
        "Flash a sample of the devices with the approved image; compare hash and behaviour before the rest.",
        "Enter approved firmware in the site file (meters.firmware).",
    ),
    tolerance="a late report is not compared with what ran before",
    examples=(
        fires_on("three meters go back to 1.0.9", [*_ROLL_OUT, *_reports(3, "1.0.9", 0, 20_000.0)]),
        fires_on(
            "an image is verified and activated outside a roll-out",
            [*_ROLL_OUT, *_reports(1, "1.11.0", 3, 20_000.0), *_reports(1, "1.11.0", 6, 20_300.0)],
        ),
        fires_on("a hash that is not approved", _reports(1, "1.10.0", 0, image_hash="66ff"), site=_SITE),
        fires_on("250 activations in half an hour", _reports(250, "1.10.0", 6, campaign="C7")),
        quiet_on("a roll-out", _ROLL_OUT, site=_SITE),
        quiet_on("a head-end that names no roll-outs", _reports(20, "1.2.0", 6)),
        quiet_on("the approved hash, in other letters", _reports(3, "1.10.0", 6, image_hash="ab12"), site=_SITE),
    ),
)
