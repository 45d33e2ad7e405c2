"""Vehicle software that is older than before, not approved, outside a campaign, or whose verification failed.

- A control unit installs or runs an image with a lower release counter than before; without counters, a lower version.
- The metadata of a vehicle (targets, snapshot, timestamp) have a lower version than before.
- An image whose hash `vehicles.images` of the site file does not have, for the version and campaign that it names.
- A vehicle's verification failed for rollback, signature, mix and match or arbitrary software, or `hashes_min` times within `hashes_s` for
  the hash, which a broken download does once.
- A control unit runs another version than before without a campaign or a workshop's order, at a server that names campaigns.

Blind spot: an implant that reports the approved hash; a control unit whose first report is already false. A roll-back that the maker
decided, without release counters, and repositories set up anew look the same. Source: threat ITS-23 of the catalogue; Uptane standard,
verification of metadata and release counters; UN R155 annex 5, 12.1 to 12.4.
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Remembering, fires_on, quiet_on
from detectors.facts.vehicle import Image
from detectors.memory import CountWithin, Derived, Last
from detectors.memory.recent import REFERENCE
from detectors.profiles import its_vehicle
from detectors.profiles.threat import Severity
from detectors.reasons import reasons
from detectors.site import Site
from detectors.versions import rank
from schemas.records import OTA_EVENT


@dataclass(frozen=True)
class Params:
    hashes_min: int = 3  # wrong hashes of a vehicle in the window
    hashes_s: float = 86_400.0


#: A server that named a campaign within this time is taken to name them, seconds.
NAMED_S = 90 * 86_400.0
_DONE = pl.col("result") == "done"
RUNS = Derived("runs", pl.col("event").is_in(["install", "report"]) & _DONE & pl.col("ecu").is_not_null())
VERSIONED = Derived("runs a version", RUNS.expr & pl.col("version").is_not_null())
COUNTED = Derived("runs with a release counter", RUNS.expr & pl.col("release_counter").is_not_null())
RANK = Derived("rank of version", rank("version"))
NAMED = Derived("names a campaign", pl.col("campaign").is_not_null())
#: What made the vehicle change: absent where nothing is said to have.
BROUGHT = Derived("brought by", pl.coalesce("campaign", "work_order"))
WRONG_HASH = Derived("wrong hash", (pl.col("error") == "hash").fill_null(False))
METADATA = ("targets_version", "snapshot_version", "timestamp_version")


def _is(image: Image) -> pl.Expr:
    own = pl.col("image_hash").str.to_lowercase() == image.image_hash.lower()
    for name in ("version", "campaign"):
        if (wanted := getattr(image, name)) is not None:
            # An event that does not name it is judged by the hash alone.
            own &= pl.col(name).fill_null(wanted) == wanted
    return own


def build(p: Params, site: Site) -> Firing:
    unit = ("vehicle", "ecu")
    counter, before = Last(unit, "release_counter", COUNTED), Last(unit, RANK, VERSIONED)
    version = Last(unit, "version", VERSIONED)
    named = CountWithin(("backend",), seconds=NAMED_S, at_most=1, where=NAMED)
    hashes = CountWithin(("vehicle",), seconds=p.hashes_s, at_most=10 * p.hashes_min, where=WRONG_HASH)
    metadata = {name: Last(("vehicle",), name, Derived(f"has {name}", pl.col(name).is_not_null())) for name in METADATA}
    foreign = pl.lit(False)
    if site.vehicles.images is not None:
        known = pl.any_horizontal(pl.lit(False), *map(_is, site.vehicles.images))
        foreign = pl.col("image_hash").is_not_null() & ~known & (_DONE | (pl.col("event") == "download"))
    counted = pl.col("release_counter").is_not_null() & counter.col.is_not_null()
    fires, why = reasons(
        (foreign, pl.format("image {} is not approved", "image_hash")),
        (
            RUNS.expr & (pl.col("release_counter") < counter.col),
            pl.format("release counter {} after {}", "release_counter", counter.col),
        ),
        (
            VERSIONED.expr & ~counted & (RANK.expr < before.col),
            pl.format("version {} after {}", "version", version.col),
        ),
        *(
            (pl.col(name) < last.col, pl.format(f"{name.replace('_', ' ')} {{}} after {{}}", name, last.col))
            for name, last in metadata.items()
        ),
        (
            pl.col("error").is_in(["rollback", "signature", "mix_and_match", "arbitrary_software"]),
            pl.format("the vehicle refused it: {}", "error"),
        ),
        (WRONG_HASH.col & (hashes.col >= p.hashes_min), pl.format("{} images with a wrong hash", hashes.col)),
        (
            VERSIONED.expr & (pl.col("version") != version.col) & BROUGHT.expr.is_null() & (named.col > 0),
            pl.format("version {} came without a campaign or an order, {} ran before", "version", version.col),
        ),
    )
    return Firing(
        when=fires,
        memories=(counter, before, version, named, hashes, *metadata.values()),
        values={"why": why},
        trail=(Last(unit, REFERENCE, RUNS), Last(("vehicle",), REFERENCE)),
    )


def _event(time: float, event: str = "report", **fields: object) -> dict[str, object]:
    return {"time": time, "backend": "ota-1", "vehicle": "v1", "ecu": "e1", "event": event, "result": "done", **fields}


_UPDATE = [
    _event(0, version="2.2.0", release_counter=8),
    _event(100, "check", ecu=None, targets_version=5, snapshot_version=7, timestamp_version=90),
    _event(200, "download", campaign="C4", version="2.3.0", image_hash="AB12"),
    _event(300, "download", result="failed", error="hash", campaign="C4", version="2.3.0"),
    _event(400, "install", campaign="C4", version="2.3.0", release_counter=9, image_hash="ab12"),
    _event(500, version="2.3.0", release_counter=9),
]
_SITE = {"vehicles": {"images": [{"image_hash": "ab12", "version": "2.3.0"}, {"image_hash": "cd34", "campaign": "C5"}]}}

DETECTOR = Detector(
    id="ota_image",
    version=1,
    threat=its_vehicle.ITS_23,
    record=OTA_EVENT,
    kind=Remembering(build),
    params=Params,
    severity=Severity.CRITICAL,
    confidence=Confidence.HIGH,
    parties=Parties("vehicle", "vehicle"),
    dedup=("backend", "vehicle"),
    episode_s=3600.0,
    says="{vehicle}: {why}",
    observed="{why}",
    expected="approved images, newer than before, brought by a campaign or a workshop",
    runbook=(
        "Pause the campaign; keep the vehicles at the last good version.",
        "Check the signing keys and the director's inventory; rotate keys where one leaked.",
        "List approved images in the site file (vehicles.images).",
    ),
    tolerance="a late event is not compared with what was before",
    examples=(
        fires_on(
            "2.1 runs after 2.3, with a valid signature", [*_UPDATE, _event(9000, version="2.1.0", campaign="C4")]
        ),
        fires_on(
            "a lower release counter", [*_UPDATE, _event(9000, version="2.4.0", release_counter=3, campaign="C4")]
        ),
        fires_on("older metadata", [*_UPDATE, _event(9000, "check", ecu=None, targets_version=4)]),
        fires_on("a signature that does not hold", [_event(0, "install", result="failed", error="signature")]),
        fires_on("three wrong hashes", [_event(60 * i, "download", result="failed", error="hash") for i in range(3)]),
        fires_on("a version that nothing brought", [*_UPDATE, _event(9000, version="2.5.0")]),
        fires_on("an image that is not approved", [_event(0, "download", image_hash="66ff")], site=_SITE),
        quiet_on("an update with one broken download", _UPDATE, site=_SITE),
        quiet_on("a workshop's order", [*_UPDATE, _event(9000, version="2.5.0", work_order="W1")]),
        quiet_on("a server that names no campaigns", [_event(0, version="2.2.0"), _event(9, version="2.3.0")]),
    ),
)
