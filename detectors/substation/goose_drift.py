"""A known GOOSE publisher sends with another configuration revision or data set than the site file has.

MAC address and APPID are those of the site file, so the device is the one that was learned, and its configuration was
changed. An outcome of its own: configuration drift, no attack; a revision that changes without a restart, or goes back,
is `goose_forged` too. Blind spot: publishers without `conf_rev` and `dataset` in the site file. Source: IEC 61850-7-2 clause 18.2.1
(confRev counts the changes of the data set).
"""

from dataclasses import dataclass

import polars as pl

from detectors.detector import Confidence, Detector, Firing, Parties, Row, fires_on, quiet_on
from detectors.profiles import drift
from detectors.profiles.threat import Severity
from detectors.site import Site
from schemas.records import GOOSE


@dataclass(frozen=True)
class Params:
    pass


def build(p: Params, site: Site) -> Firing:
    publishers = [(q.control_block, q.source_mac, q.appid, q.conf_rev, q.dataset) for q in site.goose.publishers or ()]
    sent = _joined("control_block", "source_mac", "appid")
    known = {f"{block}|{mac}|{appid}": (revision, dataset) for block, mac, appid, revision, dataset in publishers}
    revision = sent.replace_strict({k: v[0] for k, v in known.items()}, default=None, return_dtype=pl.Int64)
    dataset = sent.replace_strict({k: v[1] for k, v in known.items()}, default=None, return_dtype=pl.String)
    other = (pl.col("conf_rev") != revision).fill_null(False) | (pl.col("dataset") != dataset).fill_null(False)
    return Firing(when=other, values={"revision": revision, "known": dataset})


def _joined(*names: str) -> pl.Expr:
    return pl.concat_str([pl.col(name).cast(pl.String) for name in names], separator="|")


_SITE = {
    "goose": {
        "publishers": [
            {
                "control_block": "B1/LLN0$GO$gcb1",
                "source_mac": "00:30:a7:00:00:01",
                "appid": 3,
                "conf_rev": 1,
                "dataset": "B1/LLN0$DS1",
            }
        ]
    }
}


def _goose(time: float, conf_rev: int, dataset: str = "B1/LLN0$DS1", **fields: object) -> dict[str, object]:
    block = {"control_block": "B1/LLN0$GO$gcb1", "source_mac": "00:30:a7:00:00:01", "appid": 3}
    return {"time": time, **block, "conf_rev": conf_rev, "dataset": dataset, "st_num": 1, "sq_num": 1, **fields}


DETECTOR = Detector(
    id="goose_drift",
    version=1,
    threat=drift.DRIFT,
    record=GOOSE,
    kind=Row(build),
    params=Params,
    severity=Severity.LOW,
    confidence=Confidence.HIGH,
    parties=Parties("control block", "control_block", source="source_mac", destination="destination_mac"),
    dedup=("control_block",),
    episode_s=86_400.0,
    says="configuration drift: {control_block} is sent with configuration revision {conf_rev} and data set {dataset}",
    observed="configuration revision {conf_rev}, data set {dataset}",
    expected="configuration revision {revision}, data set {known} of the site file",
    runbook=drift.DRIFT.response,
    needs=("goose.publishers",),
    tolerance="each record is judged alone",
    examples=(
        fires_on("a revision of tomorrow, and another data set", [_goose(0, 2), _goose(1, 1, "B1/LLN0$DS2")], 1, _SITE),
        quiet_on(
            "as learned; another MAC is goose_forged's",
            [_goose(0, 1), _goose(1, 2, source_mac="00:0c:29:00:00:66")],
            _SITE,
        ),
    ),
)
